"""The table of what the platform consists of. `docker-compose.yml` is the same on real servers."""

import functools
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from scf.runtime import postgres
from scf.runtime.probes import answers, answers_ping, answers_rpc, answers_sql, logs
from scf.runtime.programs import anvil_program, valkey_program
from scf.runtime.service import Service
from scf.runtime.site import HOST, Site, write_private

CHAIN_ID = 31337
BLOCK_SECONDS = 1.0
DRAIN_SECONDS = 3  # what the API gives open requests when it stops
WORKER_PROCESSES = 2
CELERY = ("celery", "-A")
VERBOSE = ("--loglevel", "INFO")  # readiness is told at that level
ALONE = ("--without-gossip", "--without-mingle")  # workers need not know of one another


def python(*words: str) -> Callable[[Site], Sequence[str]]:
    """Return the command of a Python module; `{api}` in a word is that service's port."""

    def command(site: Site) -> Sequence[str]:
        values = {**site.ports, "data": site.data}
        return [sys.executable, "-m", *(word.format_map(values) for word in words)]

    return command


def http_address(name: str) -> Callable[[Site], str]:
    """Return what computes a service's HTTP address."""
    return lambda site: site.url(name)


# --- servers that others wrote -------------------------------------------------------------------


def database(*, durable: bool = True) -> Service:
    """PostgreSQL 18. Without `durable` it is faster and forgets at a power cut: for tests."""
    return Service(
        name="postgres",
        title="数据库 PostgreSQL",
        command=functools.partial(postgres.command, durable=durable),
        prepare=postgres.make_cluster,
        ready=answers_sql,
        port=8710,
        provides="DATABASE_URL",
        address=postgres.address,
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are dropped, nothing is lost
    )


def _redis_config(site: Site) -> Path:
    return site.folder("redis") / "valkey.conf"


def _configure_redis(site: Site) -> None:
    lines = (
        f"bind {HOST}",
        f"port {site.ports['redis']}",
        f"dir {_redis_config(site).parent}",
        f"requirepass {site.secret('redis')}",
        'save ""',
        "appendonly yes",
        "appendfsync everysec",
    )
    write_private(_redis_config(site), "\n".join(lines) + "\n")


def broker() -> Service:
    """Valkey, which speaks Redis. The password stands in a file: command lines are public."""
    return Service(
        name="redis",
        title="消息队列 Valkey",
        command=lambda site: [valkey_program(), str(_redis_config(site))],
        prepare=_configure_redis,
        ready=answers_ping,
        port=8711,
        provides="REDIS_URL",
        address=lambda site: f"redis://:{site.secret('redis')}@{HOST}:{site.ports['redis']}/0",
    )


def chain(*, block_seconds: float = BLOCK_SECONDS) -> Service:
    """Anvil, a development chain. Interval mining only: mixed mining stalls under bursts."""

    def command(site: Site) -> Sequence[str]:
        return [
            anvil_program(site.environment.get("ANVIL")),
            *("--host", HOST, "--port", str(site.ports["chain"]), "--quiet", "--no-cors"),
            *("--state", str(site.folder("chain") / "state.json"), "--state-interval", "1"),
            *("--block-time", f"{block_seconds:g}", "--chain-id", str(CHAIN_ID)),
            *("--hardfork", "osaka"),
        ]

    return Service(
        name="chain",
        title="区块链 anvil",
        command=command,
        ready=answers_rpc,
        port=8712,
        provides="CHAIN_RPC_URL",
        address=http_address("chain"),
    )


# --- our own -------------------------------------------------------------------------------------

SERVICES: tuple[Service, ...] = (
    database(),
    broker(),
    chain(),
    Service(
        name="bootstrap",
        title="结构、密钥、合约 bootstrap",
        command=python("scf.runtime.prepare"),
        needs=("postgres", "chain"),
        once=True,
    ),
    Service(
        name="tokens",
        title="资产令牌 tokens",
        command=python("scf.runtime.tokens", "--port", "{tokens}"),
        ready=answers("/healthz"),
        needs=("bootstrap",),
        port=8701,
        provides="TOKEN_SERVICE_URL",
        address=http_address("tokens"),
    ),
    Service(
        name="registry",
        title="登记系统 registry",
        command=python("scf.registry.simulator", "--port", "{registry}"),
        ready=answers("/healthz"),
        port=8702,
        provides="REGISTRY_URL",
        address=http_address("registry"),
    ),
    Service(
        name="bank",
        title="银行网关 bank",
        command=python("scf.settlement.simulator", "--port", "{bank}"),
        ready=answers("/healthz"),
        port=8703,
        provides="BANK_URL",
        address=http_address("bank"),
    ),
    Service(
        name="status",
        title="发票查验 status",
        command=python("scf.documents.status_simulator", "--port", "{status}"),
        ready=answers("/healthz"),
        port=8704,
        provides="INVOICE_STATUS_URL",
        address=http_address("status"),
    ),
    Service(
        name="prices",
        title="价格服务 prices",
        command=python("scf.prices.simulator", "--port", "{prices}"),
        ready=answers("/healthz"),
        port=8705,
        provides="PRICE_URL",
        address=http_address("prices"),
    ),
    Service(
        name="api",
        title="接口 API",
        command=python(
            *("uvicorn", "scf.main:create_app", "--factory", "--host", HOST, "--port", "{api}"),
            *("--no-access-log", "--timeout-graceful-shutdown", str(DRAIN_SECONDS)),
        ),
        ready=answers("/readyz"),
        needs=("redis", "bootstrap", "tokens", "registry", "bank"),
        port=8700,
        provides="PUBLIC_URL",
        replaceable=False,  # set, it is the address that the public sees of this very service
        address=http_address("api"),
    ),
    Service(
        name="sequencer",
        title="日志定序 sequencer",
        command=python("scf_workers.sequencer"),
        ready=logs("sequencer.started"),
        needs=("bootstrap",),
    ),
    Service(
        name="webhooks",
        title="事件推送 webhooks",
        command=python("scf_workers.webhooks"),
        ready=logs("webhooks.started"),
        needs=("bootstrap",),
    ),
    Service(
        name="worker",
        title="后台任务 worker",
        command=python(
            *CELERY, "scf_workers.app", "worker", "-c", str(WORKER_PROCESSES), *VERBOSE, *ALONE
        ),
        ready=logs("ready."),
        needs=("redis", "bootstrap", "tokens", "registry", "bank", "status", "prices"),
    ),
    Service(
        name="beat",
        title="定时任务 beat",
        command=python(
            *CELERY, "scf_workers.schedule", "beat", "--schedule", "{data}/schedule", *VERBOSE
        ),
        ready=logs("Starting"),
        needs=("redis", "bootstrap"),
    ),
)
