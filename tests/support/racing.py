"""Commands given at the same moment, each on a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx


def at_once(*commands: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Give them all at once; return their answers in the order given."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return [one.result() for one in [pool.submit(command) for command in commands]]
