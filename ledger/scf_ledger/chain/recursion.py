"""The interpreter's recursion limit, put back to what Python chose.

py_ecc, which web3 and eth_account bring along, raises it to 100,000 when it is imported: a JSON text
of as many brackets then overflows the C stack and ends the process. Every module here that imports
one of the two calls `restore_limit` after it.
"""

import sys
from typing import Final

LIMIT: Final = 1_000  # CPython's default


def restore_limit() -> None:
    """Put the limit back."""
    sys.setrecursionlimit(LIMIT)
