"""A log as C2SP ``tlog-tiles``: paths, entry bundles, appending, and proofs from stored tiles.

A tile holds up to 256 hashes of one level; level L's hash i is the root over entries
``[i * 256^L, (i + 1) * 256^L)``. Hashes never change once written, so a partial tile is a prefix of
the tile it grows into: storing the widest is enough to serve every narrower one.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from scf_ledger.errors import BadProof, Malformed, MissingTile
from scf_ledger.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, split_point

WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""
HEIGHT: Final = 8
"""Tree levels in a tile."""
TILE_BYTES: Final = WIDTH * HASH_BYTES
LEVEL_MAX: Final = 63

ReadTile = Callable[[int, int], bytes]
"""``read_tile(level, index)``: the stored hashes of a tile, the widest there is."""

_PATH: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """The name of a tile, or of an entry bundle when ``level`` is None."""

    level: int | None
    index: int
    width: int = WIDTH

    def __str__(self) -> str:
        level = "entries" if self.level is None else self.level
        rest, last = divmod(self.index, 1000)
        groups = [f"{last:03d}"]
        while rest:
            rest, group = divmod(rest, 1000)
            groups.insert(0, f"x{group:03d}")
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{'/'.join(groups)}{partial}"


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes of a tile that an append wrote, whole: those before it included."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """Number of hashes."""
        return len(self.hashes) // HASH_BYTES


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: all that appending to it needs."""

    size: int
    partials: tuple[bytes, ...]
    """Level -> hashes of the partial tile there; empty where the level ends in a full tile."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append made: the new edge, each tile that grew, and the new root."""

    edge: Edge
    tiles: list[Tile]
    root: bytes


EMPTY: Final = Edge(0, ())


def parse_path(text: str) -> TilePath:
    """Read ``<L>/<N>[.p/<W>]``, the part of the URL after ``tile/``.

    :raises Malformed: another form, or a number out of range
    """
    match = _PATH.fullmatch(text)
    if match is None:
        raise Malformed("not the path of a tile")
    level = None if match["level"] == "entries" else int(match["level"])
    width = int(match["width"] or WIDTH)
    path = TilePath(level, int(re.sub("[x/]", "", match["index"])), width)
    if (level or 0) > LEVEL_MAX or width > WIDTH or str(path) != text:
        raise Malformed("not the path of a tile")
    return path


def bundle(entries: Iterable[bytes]) -> bytes:
    """Lay entries out as a bundle: each behind its length as 2 bytes big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes) -> list[bytes]:
    """Read the entries of a bundle.

    :raises Malformed: it ends within an entry
    """
    entries, offset = [], 0
    while offset < len(data):
        end = offset + 2 + int.from_bytes(data[offset : offset + 2], "big")
        if end > len(data) or offset + 2 > len(data):
            raise Malformed("the bundle ends within an entry")
        entries.append(data[offset + 2 : end])
        offset = end
    return entries


def load_edge(size: int, read_tile: ReadTile) -> Edge:
    """Read the right edge of a stored tree of ``size`` entries."""
    partials, count = [], size
    for level in range(_levels(size)):
        index, width = divmod(count, WIDTH)
        partials.append(_hashes(read_tile, level, index, 0, width) if width else b"")
        count //= WIDTH
    return Edge(size, tuple(partials))


def append(edge: Edge, entries: Iterable[bytes]) -> Appended:
    """Append entries behind ``edge``; hashes each once."""
    new = b"".join([sha256(b"\x00" + entry).digest() for entry in entries])
    size = edge.size + len(new) // HASH_BYTES
    tiles: list[Tile] = []
    partials: list[bytes] = []
    count, level = edge.size, 0
    while new or level < len(edge.partials):
        before = edge.partials[level] if level < len(edge.partials) else b""
        hashes = before + new
        first = count // WIDTH
        chunks = [hashes[at : at + TILE_BYTES] for at in range(0, len(hashes), TILE_BYTES)]
        if new:
            tiles += [Tile(level, first + n, chunk) for n, chunk in enumerate(chunks)]
        full = [chunk for chunk in chunks if len(chunk) == TILE_BYTES]
        partials.append(chunks[-1] if len(full) < len(chunks) else b"")
        new = b"".join(map(_subtree, full))
        count //= WIDTH
        level += 1
    after = Edge(size, tuple(partials))
    return Appended(after, tiles, root(after))


def root(edge: Edge) -> bytes:
    """Return the root of the tree that ends in ``edge``."""
    found: bytes | None = None
    for partial in edge.partials:
        for peak in reversed(_peaks(partial)):
            found = peak if found is None else node_hash(peak, found)
    return EMPTY_ROOT if found is None else found


def tiles_of_proof(index: int, size: int) -> set[tuple[int, int]]:
    """Name every tile, level and index, that `inclusion_proof` may read: to fetch them at once.

    A subtree beside the path lies in the tile that the path goes through on that level, or, where the
    tree ends within it, in the last one.
    """
    return {
        (level, place >> (HEIGHT * (level + 1)))
        for level in range(_levels(size))
        for place in (index, size)
    }


def inclusion_proof(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Prove that entry ``index`` is in the tree of the first ``size`` entries.

    :raises BadProof: the index is outside the tree
    :raises MissingTile: the store has fewer hashes than ``size`` promises
    """
    if not 0 <= index < size:
        raise BadProof("index is outside the tree", index=index, size=size)
    read = _remembering(read_tile)
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split_point(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, read))
            end = middle
        else:
            proof.append(_range_hash(start, middle, read))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(old_size: int, new_size: int, read_tile: ReadTile) -> list[bytes]:
    """Prove that the tree of ``new_size`` extends the one of ``old_size``.

    :raises BadProof: the new tree is smaller
    :raises MissingTile: the store has fewer hashes than ``new_size`` promises
    """
    if not 0 <= old_size <= new_size:
        raise BadProof("a log does not shrink", old_size=old_size, new_size=new_size)
    if old_size in (0, new_size):
        return []
    read = _remembering(read_tile)
    proof: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + split_point(end - start)
        if old_size <= middle:
            proof.append(_range_hash(middle, end, read))
            end = middle
        else:
            proof.append(_range_hash(start, middle, read))
            start = middle
    if start:
        proof.append(_range_hash(start, end, read))
    proof.reverse()
    return proof


def _levels(size: int) -> int:
    """Count the tile levels of a tree: 0 for none, 1 up to 255 entries, 2 up to 65,535."""
    return -(-size.bit_length() // HEIGHT)


def _subtree(hashes: bytes) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_BYTES)
        hashes = b"".join(
            [sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest() for at in pairs]
        )
    return hashes


def _peaks(hashes: bytes) -> list[bytes]:
    """Return the roots of the complete subtrees that a partial tile is made of, left to right."""
    peaks, offset, left = [], 0, len(hashes) // HASH_BYTES
    while left:
        count = 1 << (left.bit_length() - 1)
        peaks.append(_subtree(hashes[offset * HASH_BYTES : (offset + count) * HASH_BYTES]))
        offset, left = offset + count, left - count
    return peaks


def _range_hash(start: int, end: int, read_tile: ReadTile) -> bytes:
    """Return the root over entries ``[start, end)``, a range that the RFC's recursion visits."""
    count = end - start
    if count & (count - 1):
        middle = start + split_point(count)
        return node_hash(_range_hash(start, middle, read_tile), _range_hash(middle, end, read_tile))
    level, inner = divmod(count.bit_length() - 1, HEIGHT)
    index, offset = divmod(start >> (level * HEIGHT), WIDTH)
    return _subtree(_hashes(read_tile, level, index, offset, 1 << inner))


def _hashes(read_tile: ReadTile, level: int, index: int, offset: int, count: int) -> bytes:
    tile = read_tile(level, index)
    found = tile[offset * HASH_BYTES : (offset + count) * HASH_BYTES]
    if len(found) != count * HASH_BYTES:
        raise MissingTile("a tile is shorter than the tree asks", level=level, index=index)
    return found


def _remembering(read_tile: ReadTile) -> ReadTile:
    """Read each tile once within one proof."""
    seen: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        key = (level, index)
        if key not in seen:
            seen[key] = read_tile(level, index)
        return seen[key]

    return read
