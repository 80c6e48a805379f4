"""Pledge records: the feed by log index, and one record as it stood, told from events alone."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from scf.evidence.sequencing import BATCH_MAX
from scf.kernel.clock import instant_text
from scf.parties import queries as parties
from scf_ledger import trust
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.receivables import pay
from tests.support.splitting import agree_split

PATH = "/v1/pledge-records"
OFFLINE = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}


@pytest.fixture(autouse=True)
def first_day(desk):
    desk.stage.clock.set(STORY_BEGINS)


def fed(desk, who, size=500, types=None, after=-1):
    """Read the whole feed by pages of a size, with what each page said to go on from."""
    items, places = [], [after]
    while True:
        asked = {"after": places[-1], "limit": size} | ({"types": types} if types else {})
        page = desk.seen(who, PATH, **asked)
        items += page["items"]
        if page["next"] == places[-1]:
            return items, places
        places.append(page["next"])


def record(desk, pledge, who=None, **moment):
    return desk.seen(who or desk.stage.cast.bank, f"{PATH}/{pledge}", **moment)


@pytest.fixture(scope="module")
def trusted(desk, signer):
    with desk.stage.database.reading() as session:
        content = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)],
            authorities=parties.authorities(session),
        )
    return trust.parse(content)


class TestFeed:
    def test_tells_every_version_of_ones_own_pledges_in_the_order_of_the_log(self, desk, publish):
        pledge = desk.ready_pledge(desk.receivable(1))
        publish()

        items, places = fed(desk, desk.stage.cast.bank)

        own = [item for item in items if item["pledge"] == pledge]
        assert [item["version"] for item in own] == list(range(1, len(own) + 1))
        assert [item["type"] for item in own][:4] == [
            *("pledge.proposed", "pledge.signed", "pledge.accepted", "pledge.registered")
        ]
        assert [item["index"] for item in items] == sorted({item["index"] for item in items})
        assert places[-1] >= items[-1]["index"]
        assert own[0]["record"]["amount"] == {"amount": "1245000.00", "currency": "CNY"}
        for item in own:
            event = desk.seen(desk.stage.cast.bank, item["links"]["event"])
            assert (event["hash"], event["index"]) == (item["hash"], item["index"])
            assert event["record"] == item["record"]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 500])
    def test_pages_of_any_size_are_the_whole(self, desk, publish, size):
        publish()
        whole, _ = fed(desk, desk.stage.cast.bank)

        paged, places = fed(desk, desk.stage.cast.bank, size)

        assert paged == whole
        assert places == sorted(set(places))

    def test_by_type(self, desk, publish):
        publish()
        whole, _ = fed(desk, desk.stage.cast.bank)
        wanted = ["pledge.registered", "pledge.locked"]

        some, _ = fed(desk, desk.stage.cast.bank, 2, types=wanted)

        assert some == [item for item in whole if item["type"] in wanted]
        assert fed(desk, desk.stage.cast.bank, types=["pledge.*"])[0] == whole

    @pytest.mark.parametrize("types", ["pool.*", "*", "pledge.", "pledge.%", "receivable.paid"])
    def test_of_pledges_only(self, desk, types):
        answer = desk.stage.get(desk.stage.cast.bank, PATH, types=types)

        assert answer.status_code == 422
        assert answer.json()["code"] == "request.invalid"

    def test_a_misspelt_type_is_not_passed_over_in_silence(self, desk):
        asked = ["pledge.registered", "pledge.relesed"]
        answer = desk.stage.get(desk.stage.cast.bank, PATH, types=asked)

        assert (answer.status_code, answer.json()["code"]) == (422, "feed.type_unknown")
        assert answer.json()["field"] == "types"
        assert answer.json()["fields"] == {"type": "pledge.relesed"}

    def test_a_page_looks_through_a_bounded_part_and_says_where_it_stopped(
        self, desk, publish, monkeypatch
    ):
        publish()
        whole, _ = fed(desk, desk.stage.cast.bank)
        monkeypatch.setattr("scf.evidence.queries.FEED_WINDOW", 3)

        some, places = fed(desk, desk.stage.cast.bank, types=["pledge.registered"])

        assert some == [item for item in whole if item["type"] == "pledge.registered"]
        assert len(places) > len(some) + 2
        assert BATCH_MAX > 3

    def test_is_the_holders_alone(self, desk, publish):
        publish()
        cast = desk.stage.cast

        assert fed(desk, cast.second_bank)[0] == []
        assert fed(desk, cast.supplier)[0] == []
        assert desk.stage.get(None, PATH).json()["code"] == "auth.party_only"


class TestAsOf:
    def test_every_version_is_told_as_it_was(self, desk, publish):
        pledge = desk.signed_pledge(desk.receivable(10))
        desk.accept(pledge)
        publish()
        taken = record(desk, pledge)
        desk.work()
        desk.mine()
        desk.work()
        publish()
        ready = record(desk, pledge)
        desk.release(pledge)
        publish()
        released = record(desk, pledge)

        assert [one["state"] for one in (taken, ready, released)] == [
            *("RESERVED", "EFFECTIVE", "RELEASED")
        ]
        for then in (taken, ready, released):
            again = record(desk, pledge, as_of_index=then["as_of_index"])
            assert {**again, "log_size": 0, "anchor": 0} == {**then, "log_size": 0, "anchor": 0}
        whole = {"amount": "1245000.00", "currency": "CNY"}
        nothing = {"amount": "0.00", "currency": "CNY"}
        assert (
            ready["amount"] == ready["pools"][0]["confirmed"] == ready["pools"][0]["held"] == whole
        )
        assert ready["pools"][0]["free"] == released["pools"][0]["held"] == nothing
        assert released["pools"][0]["free"] == whole
        assert (taken["registration"], taken["lock"]) == (None, None)
        now = desk.pledge(pledge)
        assert ready["registration"]["reg_no"] == now["registration"]["reg_no"]
        assert ready["lock"]["tokens"]
        assert released["lock"] is None
        assert ready["search"]["clean"] is True
        (place,) = ready["pools"][0]["encumbrances"]
        assert (place["rank"], place["whose"], place["perfected_by"]) == (1, "own", "registration")
        assert ready["confirmation"]["amount"] == whole
        assert len(ready["confirmation"]["certificate_serials"]) == 2

    def test_at_an_instant(self, desk, publish):
        pledge = desk.signed_pledge(desk.receivable(11))
        desk.stage.clock.set(STORY_BEGINS + timedelta(days=1))
        desk.accept(pledge)
        publish()

        before = record(desk, pledge, as_of=instant_text(STORY_BEGINS + timedelta(hours=12)))
        after = record(desk, pledge, as_of=instant_text(desk.stage.clock.now()))

        assert (before["state"], after["state"]) == ("SIGNED", "RESERVED")
        assert before["pools"][0]["held"]["amount"] == "0.00"
        assert after["pools"][0]["held"]["amount"] == "1245000.00"

    def test_payments_and_neighbours(self, desk, publish):
        cast = desk.stage.cast
        receivable = desk.receivable(12, "100.00")
        parts = [(cast.bank, "60.00", "62220001"), (cast.second_bank, "30.00", "62220002")]
        agree_split(desk, receivable, parts)
        own = desk.ready_pledge(receivable, amount="60.00", pledged="60.00")
        others = desk.signed_pledge(
            receivable, bank=cast.second_bank, amount="30.00", pledged="30.00"
        )
        desk.accept(others, bank=cast.second_bank)
        publish()
        hidden = record(desk, own)
        desk.work()
        desk.mine()
        desk.work()
        assert pay(desk.stage, receivable, "10.00").is_success
        publish()
        shown, theirs = record(desk, own), record(desk, own, cast.supplier)

        assert [one["whose"] for one in hidden["pools"][0]["encumbrances"]] == ["own"]
        assert hidden["pools"][0]["free"]["amount"] == "10.00"
        places = shown["pools"][0]["encumbrances"]
        assert [(one["rank"], one["whose"]) for one in places] == [(1, "own"), (2, "other")]
        assert (places[1]["pledge"], places[1]["kind"]) == (None, None)
        assert others not in str(shown)
        assert cast.second_bank.uscc not in str(shown)
        assert theirs["pools"][0]["encumbrances"][1]["pledge"] == others
        assert shown["pools"][0]["confirmed"]["amount"] == "90.00"

    def test_what_cannot_be_answered_is_refused(self, desk, publish):
        pledge = desk.signed_pledge(desk.receivable(13))
        publish()
        cast, path = desk.stage.cast, f"{PATH}/{pledge}"
        first = fed(desk, cast.bank)[0][0]["index"]
        size = record(desk, pledge)["log_size"]
        ahead = instant_text(desk.stage.clock.now() + timedelta(days=1))
        both = {"as_of_index": 0, "as_of": instant_text(STORY_BEGINS)}

        def refused(who, **moment):
            return desk.stage.get(who, path, **moment).json()["code"]

        assert refused(cast.bank, as_of_index=size) == "feed.ahead_of_log"
        assert refused(cast.bank, as_of=ahead) == "feed.ahead_of_log"
        assert refused(cast.bank, **both) == "value.invalid"
        assert refused(cast.bank, as_of_index=first) == "feed.not_yet"
        assert refused(cast.second_bank) == refused(cast.anchor) == "subject.not_found"
        assert refused(None) == "auth.party_only"


def looked(desk, pledge):
    """Who took a pledge's record away, as the pledgor is told."""
    path, kind = "/v1/access-log", "pledge_record"
    found = desk.stage.get(desk.stage.cast.supplier, path, kind=kind, limit=500).json()["items"]
    return [one["by"] for one in found if one["subject"] == pledge]


class TestProof:
    def test_of_a_moment_verifies_also_after_the_release(self, desk, publish, trusted):
        cast, pledge = desk.stage.cast, desk.ready_pledge(desk.receivable(20))
        publish()
        then = record(desk, pledge)
        desk.release(pledge)
        publish()

        before = looked(desk, pledge)
        link = urlsplit(then["links"]["record_proof"])
        answer = desk.stage.get(cast.bank, link.path, **dict(parse_qsl(link.query)))

        assert answer.headers["content-type"] == "application/vnd.scf.proof+json", answer.text
        report = verify_file(answer.content, trusted)
        assert {report.fragments[one].status for one in OFFLINE} == {Status.PASS}, report.as_json()
        now = desk.stage.get(cast.bank, f"{PATH}/{pledge}/proof")
        assert now.json()["code"] == "pledge.not_provable"
        assert desk.stage.get(cast.second_bank, link.path).json()["code"] == "subject.not_found"
        assert looked(desk, pledge) == [*before, cast.bank.id]
