"""Settings, read from the environment once, by whoever starts a process."""

from pathlib import Path
from typing import Final, Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from scf.kernel.clock import Clock

OPERATOR: Final = "operator.json"
"""The file of the operator's client, below `Settings.secrets`."""
CLIENTS: Final = "clients"
"""The folder of a demonstration's clients, below `Settings.data`."""


class Settings(BaseSettings):
    """Where things are. Secrets are files below `data / "secrets"`, never values here."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    data: Path = Field(Path(".scf"), validation_alias="SCF_DATA")
    database_url: str = Field(
        "postgresql://scf@127.0.0.1:5432/scf", validation_alias="DATABASE_URL"
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", validation_alias="REDIS_URL")
    chain_rpc_url: str = Field("http://127.0.0.1:8545", validation_alias="CHAIN_RPC_URL")
    chain_id: int = Field(31337, validation_alias="CHAIN_ID")
    token_service_url: str = Field("http://127.0.0.1:8701", validation_alias="TOKEN_SERVICE_URL")
    registry_url: str = Field("http://127.0.0.1:8702", validation_alias="REGISTRY_URL")
    bank_url: str = Field("http://127.0.0.1:8703", validation_alias="BANK_URL")
    invoice_status_url: str = Field("http://127.0.0.1:8704", validation_alias="INVOICE_STATUS_URL")
    price_url: str = Field("http://127.0.0.1:8705", validation_alias="PRICE_URL")
    public_url: str = Field("http://127.0.0.1:8700", validation_alias="PUBLIC_URL")
    log_origin: str = Field("scf.example/log", validation_alias="LOG_ORIGIN")
    business_clock: Path | None = Field(None, validation_alias="BUSINESS_CLOCK")
    webhooks_loopback: bool = Field(False, validation_alias="WEBHOOKS_LOOPBACK")
    """Webhooks may go to this very machine: for demonstrations and tests, never in earnest."""
    database_pool_size: int = Field(8, validation_alias="DATABASE_POOL_SIZE")
    limit_tokens_per_minute: int = Field(600, ge=0, validation_alias="LIMIT_TOKENS_PER_MINUTE")
    limit_address_per_minute: int = Field(6_000, ge=0, validation_alias="LIMIT_ADDRESS_PER_MINUTE")
    limit_reads_per_minute: int = Field(60_000, ge=0, validation_alias="LIMIT_READS_PER_MINUTE")
    limit_writes_per_minute: int = Field(60_000, ge=0, validation_alias="LIMIT_WRITES_PER_MINUTE")
    limit_papers_per_minute: int = Field(6_000, ge=0, validation_alias="LIMIT_PAPERS_PER_MINUTE")
    limit_readings_per_minute: int = Field(
        6_000, ge=0, validation_alias="LIMIT_READINGS_PER_MINUTE"
    )
    limit_probes_per_minute: int = Field(600, ge=0, validation_alias="LIMIT_PROBES_PER_MINUTE")

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises pydantic.ValidationError that names the variable."""
        return cls.model_validate({})

    @property
    def secrets(self) -> Path:
        """The folder of key files, mode 0700."""
        return self.data / "secrets"

    @property
    def clock(self) -> Clock:
        """Business and real time."""
        return Clock(self.business_clock)
