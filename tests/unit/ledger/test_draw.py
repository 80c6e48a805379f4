"""The draw of a stocktake, against a vector that other code made."""

import json
from pathlib import Path

import pytest

from scf_ledger import draw
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import BadProof

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/draw.json").read_text())


def value(side, name):
    return from_b64url(GOLDEN[side][name])


def test_a_vector_of_other_code_holds():
    for side in ("bank", "supervisor"):
        made = draw.commitment(value(side, "salt"), value(side, "value"))
        assert b64url(made) == GOLDEN[side]["commitment"]
    assert b64url(draw.list_hash(GOLDEN["lots"])) == GOLDEN["lots_sha256"]
    block = bytes.fromhex(GOLDEN["block_hash"][2:])
    seed = draw.seed(value("bank", "value"), value("supervisor", "value"), block)
    assert b64url(seed) == GOLDEN["seed"]
    assert draw.draw(seed, GOLDEN["lots"], GOLDEN["draws"]) == GOLDEN["drawn"]


def test_the_order_of_the_list_changes_nothing():
    seed = from_b64url(GOLDEN["seed"])
    assert draw.draw(seed, GOLDEN["lots"][::-1], 3) == GOLDEN["drawn"]
    assert draw.list_hash(GOLDEN["lots"][::-1]) == draw.list_hash(GOLDEN["lots"])


def test_every_lot_is_drawn_about_as_often():
    """Over 2,000 seeds each of ten lots is drawn 600 times of 3 in 10, give or take five deviations."""
    lots, times = GOLDEN["lots"], 2_000
    drawn = [lot for n in range(times) for lot in draw.draw(n.to_bytes(32, "big"), lots, 3)]
    deviation = (times * 0.3 * 0.7) ** 0.5
    assert all(abs(drawn.count(lot) - 600) < 5 * deviation for lot in lots)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_what_could_be_opened_in_two_ways_is_refused(length):
    with pytest.raises(BadProof):
        draw.commitment(bytes(32), bytes(length))
    with pytest.raises(BadProof):
        draw.seed(bytes(32), bytes(32), bytes(length))
