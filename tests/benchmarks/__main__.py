"""`make bench`: each figure against a limit taken in the same run, on this machine."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scf.runtime.services import chain, database
from tests.benchmarks import (
    basket,
    blind,
    bulk,
    feed,
    gas,
    growth,
    importing,
    jobs,
    marking,
    publishing,
    readings,
    sequencing,
    single,
    verifying,
)
from tests.benchmarks.figures import Row, heading, keep, shown
from tests.benchmarks.installation import installed
from tests.support.services import Servers, make_template, started

KEPT = Path(".scf/bench.json")


def rows(*, long: bool) -> Iterator[Row]:
    """Measure everything, one thing at a time."""
    yield from verifying.measure()
    with started(database(), chain(block_seconds=0.2)) as runtime:
        servers = Servers(runtime.addresses["DATABASE_URL"], redis_url="")
        make_template(servers)
        yield from gas.measure(runtime.addresses["CHAIN_RPC_URL"])
        yield from sequencing.measure(servers)
        yield from growth.measure(servers, long=long)
        yield from marking.measure(servers)
        yield from importing.measure(servers)
        yield from feed.measure(servers, long=long)
    with installed() as installation:
        yield from bulk.measure(installation)
        yield from jobs.measure(installation)
        yield from basket.measure(installation)
        yield from single.measure(installation)
        yield from blind.measure(installation)
        yield from readings.measure(installation)
        yield from publishing.measure(installation)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--long",
        action="store_true",
        help="增长和时点查询测到一百万个事件 / growth and as-of queries to a million events",
    )
    options = parser.parse_args()
    began, found = time.monotonic(), []
    print(heading(), flush=True)
    for row in rows(long=options.long):
        print(shown(row), flush=True)
        found.append(row)
    keep(found, KEPT)
    reached = sum(row.reached for row in found)
    print(
        f"\n{reached}/{len(found)} 项达到目标 figures reached · "
        f"{time.monotonic() - began:.0f} s · {KEPT}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
