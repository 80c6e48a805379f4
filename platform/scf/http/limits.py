"""How often one client may call: a bucket a client and kind, kept in Redis, shared by every process.

The buckets are those of the generic cell rate algorithm (ITU-T I.371): a single number, the instant at which
the bucket is full again, moved by one script on Redis' own clock. What is left is told with every answer, as
draft-ietf-httpapi-ratelimit-headers has it.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import redis
import structlog

from scf.kernel.errors import Throttled, Unavailable
from scf.settings import Settings

WINDOW_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 1.0
"""For so long a Redis that did not answer is not asked again: nobody waits for it twice."""

_TAKE: Final = """
local time = redis.call('TIME')
local now, quota, window = time[1] * 1000000 + time[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local step = window / quota
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + step
local wait = full - window - now
if wait > 0 then return {0, 0, math.ceil(wait), math.ceil(full - step - now)} end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {1, math.floor(-wait / step), 0, math.ceil(full - now)}
"""

log = structlog.get_logger()


class Kind(StrEnum):
    """What is counted by itself."""

    TOKENS = "tokens"  # of one client
    ADDRESS = "address"  # tokens, of one network address
    READS = "reads"
    WRITES = "writes"
    PAPERS = "papers"  # registering a paper: a second one is told that there is a first
    READINGS = "readings"  # batches of devices: their flood keeps nobody's business waiting
    PROBES = "probes"  # what is asked about others: the blind registry, the register


CLOSED: Final = frozenset({Kind.PAPERS, Kind.PROBES})
"""What is not served uncounted: a probe without a limit is a search of everybody's business, whereas
reading one's own and paying back must not wait for a counter."""


class TooManyRequests(Throttled):
    """A client calls so often a minute, whichever process answers."""

    code = "request.too_many"
    title = "请求过于频繁，请稍后再试"
    title_en = "Too many requests; try again later"


class CounterAway(Unavailable):
    """What tells of others is not answered uncounted."""

    code = "request.not_counted"
    title = "限流服务暂不可用，该查询暂停"
    title_en = "Requests cannot be counted now, and this one is not answered uncounted"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a client stands after a request: what is left, and in how many seconds all of it is."""

    kind: Kind
    quota: int
    remaining: int
    full_in: int

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields of an answer."""
        name = self.kind.value
        return {
            "RateLimit-Policy": f'"{name}";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.full_in}',
        }


class Limits:
    """Takes from the buckets; a quota of 0 is none."""

    def __init__(self, redis_url: str, quotas: Mapping[Kind, int]) -> None:
        """Prepare to connect; nothing is opened yet."""
        self.quotas = dict(quotas)
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._take = self._redis.register_script(_TAKE)
        self._asked_again_at = 0.0

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of these settings."""
        return cls(
            settings.redis_url,
            {
                Kind.TOKENS: settings.limit_tokens_per_minute,
                Kind.ADDRESS: settings.limit_address_per_minute,
                Kind.READS: settings.limit_reads_per_minute,
                Kind.WRITES: settings.limit_writes_per_minute,
                Kind.PAPERS: settings.limit_papers_per_minute,
                Kind.READINGS: settings.limit_readings_per_minute,
                Kind.PROBES: settings.limit_probes_per_minute,
            },
        )

    def take(self, kind: Kind, who: str) -> Standing | None:
        """Count one request of `who`; None where nobody counts.

        Raises TooManyRequests, and CounterAway where Redis is away and the kind is CLOSED.
        """
        quota = self.quotas[kind]
        if quota == 0:
            return None
        found = self._ask(kind, who, quota)
        if found is None:
            if kind in CLOSED:
                raise CounterAway(kind=kind.value)
            return None
        taken, remaining, wait, full_in = found
        standing = Standing(kind, quota, remaining, math.ceil(full_in / 1_000_000))
        if not taken:
            raise TooManyRequests(
                kind=kind.value,
                limit=quota,
                seconds=WINDOW_SECONDS,
                retry_after=math.ceil(wait / 1_000_000),
                headers=standing.headers,
            )
        return standing

    def _ask(self, kind: Kind, who: str, quota: int) -> list[int] | None:
        if time.monotonic() < self._asked_again_at:
            return None
        try:
            found: Any = self._take(
                keys=[f"scf:limit:{kind}:{who}"], args=[quota, WINDOW_SECONDS * 1_000_000]
            )
        except redis.RedisError as error:
            self._asked_again_at = time.monotonic() + PAUSE_SECONDS
            log.warning("limits.redis_away", error=type(error).__name__)
            return None
        return [int(number) for number in found]

    def close(self) -> None:
        """Close every connection."""
        self._redis.close()
