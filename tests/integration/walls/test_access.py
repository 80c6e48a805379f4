"""Looking leaves a trace with the one looked at; consents end at once; secrets change without a gap."""

import base64
import hashlib
import json
import stat
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from scf import cli
from scf.access.models import LookUp
from scf.bootstrap import keep_client
from scf.documents.models import Document
from scf.evidence.models import Event
from scf.kernel.ids import public_id
from scf_ledger.encoding import b64url
from tests.support.actors import STORY_BEGINS, Stage, set_stage
from tests.support.blind import learn, outsider, token_of
from tests.support.problems import refusal
from tests.support.receivables import identity, register_invoice
from tests.support.services import Servers, fresh_database
from tests.support.serving import served

PERIOD = {"first_on": "2025-11-01", "last_on": "2025-11-30"}


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


def log(stage, who, **query):
    return stage.get(who, "/v1/access-log", **query).json()["items"]


def rate(stage, who):
    return stage.get(who, f"/v1/parties/{stage.cast.anchor.id}/confirmation-rate", **PERIOD)


def consented(stage, until="2026-06-30T00:00:00Z", **other):
    body = {"to": stage.cast.bank.id, "until": until, **other}
    return stage.post(stage.cast.anchor, "/v1/consents", body)


class TestConsent:
    def test_opens_the_rate_is_recorded_and_ends_at_once(self, stage):
        cast = stage.cast
        refusal(rate(stage, cast.bank), 404, "subject.not_found")
        consent = consented(stage).json()
        before = log(stage, cast.anchor)

        shown = rate(stage, cast.bank)

        assert shown.json()["whole"] is True
        (made,) = [one for one in log(stage, cast.anchor) if one not in before]
        assert {name: made[name] for name in ("kind", "purpose", "basis", "consent", "by")} == {
            "kind": "on_time_rate",
            "purpose": "credit_review",
            "basis": "consent",
            "consent": consent["id"],
            "by": cast.bank.id,
        }
        assert made["client"] is None
        (own,) = log(stage, cast.bank, side="by")
        assert own["client"] == public_id("cli", cast.bank.client_id)
        assert log(stage, cast.second_bank) == log(stage, cast.supplier) == []
        refusal(rate(stage, cast.second_bank), 404, "subject.not_found")

        path = f"/v1/consents/{consent['id']}/withdraw"
        refusal(stage.post(cast.bank, path, {"reason": "x"}), 404, "subject.not_found")
        assert stage.post(cast.anchor, path, {"reason": "不再合作"}).is_success
        refusal(rate(stage, cast.bank), 404, "subject.not_found")
        refusal(stage.post(cast.anchor, path, {"reason": "x"}), 409, "revocation.already")
        assert len(log(stage, cast.anchor)) == len(before) + 1

    @pytest.mark.parametrize("which", [0, 1])
    def test_taken_back_leaves_no_other_in_force(self, stage, which):
        cast = stage.cast
        given = [consented(stage, f"2026-0{month}-30T00:00:00Z").json() for month in (6, 4)]
        assert rate(stage, cast.bank).is_success

        path = f"/v1/consents/{given[which]['id']}/withdraw"
        assert stage.post(cast.anchor, path, {"reason": "不再合作"}).is_success

        refusal(rate(stage, cast.bank), 404, "subject.not_found")
        path = f"/v1/consents/{given[1 - which]['id']}/withdraw"
        refusal(stage.post(cast.anchor, path, {"reason": "x"}), 409, "revocation.already")
        path = f"/v1/consents/{consented(stage).json()['id']}/withdraw"
        assert rate(stage, cast.bank).is_success
        assert stage.post(cast.anchor, path, {"reason": "x"}).is_success

    def test_ends_with_its_time(self, stage):
        assert consented(stage, "2025-11-03T03:00:00Z").status_code == 201
        assert rate(stage, stage.cast.bank).is_success
        stage.clock.set(STORY_BEGINS.replace(hour=3))
        refusal(rate(stage, stage.cast.bank), 404, "subject.not_found")
        stage.clock.set(STORY_BEGINS)

    def test_refuses_what_makes_no_sense(self, stage):
        cast = stage.cast
        refusal(consented(stage, "2025-11-03T02:00:00Z"), 422, "consent.past", "until")
        refusal(consented(stage, purpose="loan_file"), 422, "consent.needless", "purpose")
        for nobody in (cast.supplier.id, cast.anchor.id, "pty_01k3e5m8q2x7v9b4c6d8f0g1h2"):
            refusal(consented(stage, to=nobody), 404, "subject.not_found")

    def test_both_sides_see_it_and_nobody_else(self, stage):
        consent = consented(stage).json()
        for who, side in ((stage.cast.anchor, "about"), (stage.cast.bank, "by")):
            shown = stage.get(who, "/v1/consents", side=side, limit=500).json()["items"]
            assert consent in shown
        for who in (stage.cast.supplier, stage.cast.second_bank):
            assert stage.get(who, "/v1/consents").json()["items"] == []


class TestPerson:
    def looked(self, stage, person):
        cast = stage.cast
        path = f"/v1/parties/{cast.anchor.id}/confirmation-rate"
        headers = {**stage.headers(cast.bank), "Acting-Person": person}
        return stage.http.get(path, params=PERIOD, headers=headers)

    def test_both_sides_are_shown_who_of_the_bank_looked(self, stage):
        cast = stage.cast
        consented(stage)
        person = next(iter(cast.bank.people.values())).person
        assert self.looked(stage, person).is_success
        assert rate(stage, cast.bank).is_success

        for who, side in ((cast.anchor, "about"), (cast.bank, "by")):
            by_person, by_system = log(stage, who, side=side, limit=500)[-2:]
            assert (by_person["person"], by_system["person"]) == (person, None)

    def test_anothers_person_and_none_are_refused_alike_and_nothing_is_shown(self, stage):
        cast = stage.cast
        consented(stage)
        before = log(stage, cast.anchor, limit=500)
        others = next(iter(cast.anchor.people.values())).person
        nobodys = "psn_01k3e5m8q2x7v9b4c6d8f0g1h2"
        answers = [self.looked(stage, one) for one in (others, nobodys)]
        refusal(answers[0], 403, "access.person_unknown", "Acting-Person")
        assert answers[0].content == answers[1].content
        refusal(self.looked(stage, cast.bank.id), 422, "id.invalid", "Acting-Person")
        assert log(stage, cast.anchor, limit=500) == before


class TestLog:
    def test_a_probe_is_told_without_a_name_and_not_to_the_prober(self, stage):
        bank = outsider(stage, 1, code="91500000MA5U0AAA08")
        document = register_invoice(stage, stage.cast.supplier)
        early = outsider(stage, 2, code="91500000MA5U0AAB09")
        (token,) = learn(stage, [document])
        for one in (bank, early):
            one.hold(token, "10.00")

        found = log(stage, stage.cast.supplier, kind="blind_registry")

        assert [(one["subject"], one["caller"]) for one in found] == [
            (document, "outside_bank")
        ] * 2
        assert {one[name] for one in found for name in ("by", "by_name", "by_uscc")} == {None}
        assert log(stage, stage.cast.second_supplier) == []

    def test_what_was_asked_before_the_paper_came_is_told_once_it_did(self, stage):
        bank = outsider(stage, 3, code="91500000MA5U0AAC0X")
        document = register_invoice(stage, stage.cast.second_supplier)
        with stage.database.reading() as session:
            token = token_of(session.get_one(Document, identity(document)).number)
        bank.hold(token, "10.00")
        everything = len(log(stage, None, limit=500))
        assert log(stage, stage.cast.second_supplier) == []

        learn(stage, [document])

        (told,) = log(stage, stage.cast.second_supplier)
        assert (told["subject"], told["by"], told["person"]) == (document, None, None)
        assert len(log(stage, None, limit=500)) == everything + 1
        (probe,) = stage.get(stage.cast.second_supplier, "/v1/blind/probes").json()["items"]
        assert (probe["document"], probe["caller"]) == (document, "outside_bank")

    def test_is_a_file_too(self, stage):
        answer = stage.get(stage.cast.supplier, "/v1/access-log/file", form="csv")
        assert answer.content.decode("utf-8-sig").startswith("编号 id,时间 made_at")

    def test_is_never_rewritten(self, stage):
        with pytest.raises(DBAPIError), stage.database.transaction() as session:
            session.query(LookUp).delete()

    def test_no_event_tells_of_a_look(self, stage):
        with stage.database.reading() as session:
            before = session.query(Event).count()
        consented(stage)
        rate(stage, stage.cast.bank)
        with stage.database.reading() as session:
            assert session.query(Event).count() == before


class TestSecretsCommand:
    """`scf secrets rotate` on a client's file, the platform's own server answering."""

    @pytest.fixture
    def rotate(self, stage, monkeypatch, capsys):
        client, name = stage.cast.second_supplier, "second_supplier"
        file = stage.settings.data / "clients" / f"{name}.json"
        stage.settings.data.mkdir(exist_ok=True)
        if not file.exists():  # what the platform knows by now is in it
            identity = public_id("cli", client.client_id)
            keep_client(stage.settings, name, identity, client.client_secret)
        monkeypatch.setenv("SCF_DATA", str(stage.settings.data))
        with served(stage) as url:
            monkeypatch.setenv("SCF_API_URL", url)

            def run(*options):
                code = cli.main(["secrets", "rotate", name, *options])
                return code, *capsys.readouterr()

            yield run, file

    def opens(self, stage, content):
        read = json.loads(content)
        basic = f"{read['client_id']}:{read['client_secret']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(basic).decode()}"}
        grant = {"grant_type": "client_credentials"}
        answer = stage.http.post("/oauth/token", data=grant, headers=headers)
        return answer.json().get("access_token")

    def lives(self, stage, token):
        headers = {"Authorization": f"Bearer {token}"}
        return stage.http.get("/v1/pledges", headers=headers).status_code

    def test_both_open_for_a_while_then_the_new_alone_and_no_token_of_the_former(
        self, stage, rotate
    ):
        run, file = rotate
        first = file.read_text()
        former = self.opens(stage, first)

        code, shown, said = run()

        second = file.read_text()
        assert (code, said) == (0, "")
        assert shown.startswith(str(file))
        assert not file.with_suffix(".next").exists()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert first != second
        assert None not in (self.opens(stage, first), self.opens(stage, second))
        assert self.lives(stage, former) == 200

        code, _, said = run()
        assert (code, "client.former_secret_open" in said) == (1, True)
        assert file.read_text() == second

        assert run("--keep-former", "0")[0] == 0
        third = file.read_text()
        opened = [self.opens(stage, one) is not None for one in (first, second, third)]
        assert opened == [False, False, True]
        assert self.lives(stage, former) == 401

    @pytest.mark.parametrize("again", ["0", "60"])
    def test_interrupted_before_the_file_was_replaced_it_is_run_again(self, stage, rotate, again):
        run, file = rotate
        assert run("--keep-former", "0")[0] == 0
        done = file.read_text()
        ended = json.loads(done) | {"client_secret": "e" * 43}
        file.with_suffix(".next").write_text(done)
        file.with_suffix(".next").chmod(0o600)
        file.write_text(json.dumps(ended))  # what the platform has shut out by now

        assert run("--keep-former", again)[0] == 0

        assert file.read_text() == done
        assert self.opens(stage, done) is not None
        assert not file.with_suffix(".next").exists()


class TestSecrets:
    def token(self, stage, secret):
        client_id = public_id("cli", stage.cast.second_bank.client_id)
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return stage.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {basic}"},
        ).status_code

    def rotate(self, stage, secret, who, **other):
        path = f"/v1/clients/{public_id('cli', stage.cast.second_bank.client_id)}/secrets"
        digest = b64url(hashlib.sha256(secret.encode()).digest())
        return stage.post(who, path, {"secret_sha256": digest, **other})

    def test_two_open_then_one(self, stage):
        bank = stage.cast.second_bank
        refusal(self.rotate(stage, "b" * 40, stage.cast.bank), 404, "subject.not_found")
        assert self.rotate(stage, "b" * 40, bank).status_code == 201
        assert [self.token(stage, one) for one in (bank.client_secret, "b" * 40)] == [200, 200]
        refusal(self.rotate(stage, "b" * 40, bank), 409, "client.secret_used")
        refusal(self.rotate(stage, "c" * 40, bank), 409, "client.former_secret_open")
        assert self.token(stage, "c" * 40) == 401

        ended = self.rotate(stage, "c" * 40, None, keep_former_seconds=0)

        assert ended.status_code == 201
        opened = [self.token(stage, one) for one in (bank.client_secret, "b" * 40, "c" * 40)]
        assert opened == [401, 401, 200]
        refusal(stage.get(bank, "/v1/pledges"), 401, "auth.token_invalid")
