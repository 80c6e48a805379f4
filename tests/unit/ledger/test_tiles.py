import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InclusionProof, InmemoryTree, verify_consistency

from scf_ledger import merkle, tiles
from scf_ledger.errors import BadProof, Malformed, MissingTile
from scf_ledger.tiles import TilePath

batches = st.lists(st.integers(0, 400), max_size=6)


def entry(number):
    return hashlib.sha512(number.to_bytes(8, "big")).digest()


class Store:
    """Tiles as a table keeps them: the widest of each."""

    def __init__(self):
        self.tiles, self.edge, self.root = {}, tiles.EMPTY, merkle.EMPTY_ROOT
        self.asked = set()

    def append(self, count):
        start = self.edge.size
        appended = tiles.append(self.edge, map(entry, range(start, start + count)))
        for tile in appended.tiles:
            before = self.tiles.get((tile.level, tile.index), b"")
            assert tile.hashes.startswith(before)
            assert len(tile.hashes) > len(before)
            self.tiles[tile.level, tile.index] = tile.hashes
        self.edge, self.root = appended.edge, appended.root

    def read(self, level, index):
        self.asked.add((level, index))
        return self.tiles.get((level, index), b"")


def leaves(size):
    return [merkle.leaf_hash(entry(number)) for number in range(size)]


@pytest.fixture(scope="module")
def stored():
    store = Store()
    for count in (1, 255, 1, 299, 0, 511, 3):
        store.append(count)
    return store


class TestAppend:
    @settings(max_examples=25, deadline=None)
    @given(batches)
    def test_makes_the_tree_of_the_rfc_in_any_batches(self, counts):
        store = Store()
        for count in counts:
            store.append(count)
        assert store.edge.size == sum(counts)
        assert store.root == merkle.root(leaves(sum(counts)))
        assert tiles.load_edge(store.edge.size, store.read) == store.edge

    def test_names_only_tiles_that_grew(self):
        edge = tiles.append(tiles.EMPTY, map(entry, range(256))).edge
        grown = tiles.append(edge, [entry(256)]).tiles
        assert [(tile.level, tile.index, tile.width) for tile in grown] == [(0, 1, 1)]

    def test_of_nothing_changes_nothing(self):
        edge = tiles.append(tiles.EMPTY, map(entry, range(300))).edge
        again = tiles.append(edge, [])
        assert (again.edge, again.tiles) == (edge, [])

    def test_three_levels(self):
        appended = tiles.append(tiles.EMPTY, [b""] * 65_537)
        widths = {(tile.level, tile.index): tile.width for tile in appended.tiles}
        assert widths[2, 0] == 1
        assert widths[1, 0] == 256
        assert widths[0, 256] == 1
        leaf = merkle.leaf_hash(b"")
        full = leaf
        for _ in range(16):
            full = merkle.node_hash(full, full)
        assert appended.root == merkle.node_hash(full, leaf)


class TestProofs:
    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_from_tiles_are_those_of_the_rfc(self, stored, data):
        size = data.draw(st.integers(1, stored.edge.size))
        index = data.draw(st.integers(0, size - 1))
        old = data.draw(st.integers(1, size))
        known = leaves(size)
        inclusion = tiles.inclusion_proof(index, size, stored.read)
        assert inclusion == merkle.inclusion_proof(known, index)
        merkle.verify_inclusion(
            leaf=known[index], index=index, size=size, proof=inclusion, root=merkle.root(known)
        )
        consistency = tiles.consistency_proof(old, size, stored.read)
        assert consistency == merkle.consistency_proof(known, old)
        merkle.verify_consistency(
            old_size=old,
            new_size=size,
            old_root=merkle.root(known[:old]),
            new_root=merkle.root(known),
            proof=consistency,
        )

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_of_inclusion_read_the_tiles_that_are_named_beforehand(self, stored, data):
        size = data.draw(st.integers(1, stored.edge.size))
        index = data.draw(st.integers(0, size - 1))
        stored.asked.clear()
        tiles.inclusion_proof(index, size, stored.read)
        named = tiles.tiles_of_proof(index, size)
        assert stored.asked <= named
        assert len(named) <= 4

    def test_of_inclusion_in_three_levels_read_the_tiles_that_are_named(self):
        appended = tiles.append(tiles.EMPTY, [b""] * 66_049)
        found = {(tile.level, tile.index): tile.hashes for tile in appended.tiles}
        for index in (0, 255, 256, 65_535, 65_536, 65_792, 66_048):
            named = {place: found[place] for place in tiles.tiles_of_proof(index, 66_049)}
            proof = tiles.inclusion_proof(index, 66_049, lambda *place, of=named: of[place])
            merkle.verify_inclusion(
                leaf=merkle.leaf_hash(b""),
                index=index,
                size=66_049,
                proof=proof,
                root=appended.root,
            )

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_one_changed_bit_is_noticed(self, stored, data):
        size = data.draw(st.integers(2, 300))
        index = data.draw(st.integers(0, size - 1))
        known = leaves(size)
        proof = tiles.inclusion_proof(index, size, stored.read)
        place = data.draw(st.integers(0, len(proof) * 256 - 1))
        changed = bytearray(b"".join(proof))
        changed[place // 8] ^= 1 << place % 8
        broken = [bytes(changed[at : at + 32]) for at in range(0, len(changed), 32)]
        with pytest.raises(BadProof):
            merkle.verify_inclusion(
                leaf=known[index], index=index, size=size, proof=broken, root=merkle.root(known)
            )

    def test_need_the_tiles_that_the_size_promises(self, stored):
        with pytest.raises(MissingTile):
            tiles.inclusion_proof(0, stored.edge.size + 256, stored.read)
        with pytest.raises(BadProof):
            tiles.inclusion_proof(5, 5, stored.read)
        with pytest.raises(BadProof):
            tiles.consistency_proof(6, 5, stored.read)


@pytest.fixture(scope="module")
def other():
    tree = InmemoryTree(algorithm="sha256")
    for number in range(77):
        tree.append_entry(entry(number))
    return tree


class TestPymerkleAgrees:
    """The tree and the proofs of a library that we did not write."""

    @pytest.mark.parametrize("size", [1, 2, 3, 8, 31, 64, 77])
    def test_on_roots_and_inclusion(self, stored, other, size):
        known = leaves(size)
        assert other.get_root(size) == merkle.root(known)
        for index in {0, size // 2, size - 1}:
            theirs = other.prove_inclusion(index + 1, size)
            path = [known[index], *tiles.inclusion_proof(index, size, stored.read)]
            ours = InclusionProof("sha256", True, size, index + 1, theirs.rule, path)
            ours.verify(known[index], merkle.root(known), index=index + 1, size=size)

    @pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (8, 64), (63, 77), (77, 77)])
    def test_on_consistency(self, stored, other, old, new):
        theirs = other.prove_consistency(old, new)
        verify_consistency(merkle.root(leaves(old)), merkle.root(leaves(new)), theirs)
        merkle.verify_consistency(
            old_size=old,
            new_size=new,
            old_root=other.get_root(old),
            new_root=other.get_root(new),
            proof=tiles.consistency_proof(old, new, stored.read),
        )


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            (TilePath(0, 0), "0/000"),
            (TilePath(0, 1_234_067), "0/x001/x234/067"),
            (TilePath(2, 5, 17), "2/005.p/17"),
            (TilePath(None, 273, 112), "entries/273.p/112"),
            (TilePath(63, 1_000), "63/x001/000"),
        ],
    )
    def test_are_those_of_c2sp(self, path, text):
        assert str(path) == text
        assert tiles.parse_path(text) == path

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "0",
            "0/0",
            "00/000",
            "64/000",
            "0/001/067",
            "0/x001",
            "0/x000/067",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/300",
            "0/000.p/01",
            "entries/../../etc/passwd",
            "-1/000",
            "0/000/",
            "0/\u0660\u0660\u0660",
        ],
    )
    def test_others_are_refused(self, text):
        with pytest.raises(Malformed):
            tiles.parse_path(text)


class TestBundles:
    @given(st.lists(st.binary(max_size=70), max_size=5))
    def test_give_their_entries_back(self, entries):
        assert tiles.parse_bundle(tiles.bundle(entries)) == entries

    @pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\x00"])
    def test_that_end_early_are_refused(self, data):
        with pytest.raises(Malformed):
            tiles.parse_bundle(data)
