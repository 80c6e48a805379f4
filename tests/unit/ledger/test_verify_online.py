"""Fragments *anchor* and *standing* against servers that are honest, stale, lying or broken."""

import copy
import json
import socket
import threading
import time
from dataclasses import replace

import pytest
from eth_abi import encode as abi_encode
from eth_utils import keccak

from scf_ledger import trust
from scf_ledger.checkpoint import Checkpoint
from scf_ledger.errors import LedgerError
from scf_ledger.verify import anchor, standing, verify_file, web
from scf_ledger.verify.report import Failure
from tests.golden import formats as f
from tests.golden import story
from tests.unit.ledger.servers import log_of, node_of, serve
from tests.unit.ledger.test_verify_frauds import later_pledge, later_pool


def outcome(told, fragment, *, believed=None, **where):
    report = verify_file(told.proof_bytes, trust.parse(believed or told.trust_bytes), **where)
    return report.fragments[trust.Fragment(fragment)]


def question(size, key=story.ORIGIN_KEY):
    """Call data as another ABI encoder writes it."""
    selector = keccak(text="roots(bytes32,uint64)")[:4]
    return "0x" + (selector + abi_encode(["bytes32", "uint64"], [key, size])).hex()


@pytest.fixture(scope="module")
def told():
    return story.tell()


@pytest.fixture(scope="module")
def roots(told):
    found = told.proof["anchor"]
    return {question(found["size"]): bytes.fromhex(found["root"][2:])}


class TestAnchor:
    def test_selector_is_that_of_the_contract(self):
        assert question(0)[:10] == anchor.ROOTS_SELECTOR

    def test_passes_on_the_stored_root(self, told, roots):
        with serve(node_of(roots)) as url:
            report = verify_file(told.proof_bytes, trust.parse(told.trust_bytes), rpc=url)
        assert report.fragments[trust.Fragment.ANCHOR].status == "pass"
        assert report.facts["existed_by"] == "2025-10-09T08:53:20+00:00"
        assert report.verdict == "pass"

    def test_proves_no_time_where_the_node_forgot_the_block(self, told, roots):
        with serve(node_of(roots, past=False)) as url:
            report = verify_file(told.proof_bytes, trust.parse(told.trust_bytes), rpc=url)
        assert report.fragments[trust.Fragment.ANCHOR].status == "pass"
        assert report.facts["existed_by"] is None

    def test_stale_transaction_and_block_are_information(self, told, roots):
        proof = copy.deepcopy(told.proof)
        proof["anchor"] |= {"tx_hash": "0x" + "99" * 32, "block_hash": "0x" + "98" * 32}
        with serve(node_of(roots)) as url:
            report = verify_file(f.as_json(proof), trust.parse(told.trust_bytes), rpc=url)
        assert report.fragments[trust.Fragment.ANCHOR].status == "pass"

    @pytest.mark.parametrize(
        ("known", "options", "code"),
        [
            ({}, {}, "anchor.root_differs"),
            (None, {"chain_id": 1}, "anchor.other_chain"),
        ],
    )
    def test_fails_where_the_chain_says_otherwise(self, told, roots, known, options, code):
        with serve(node_of(roots if known is None else known, **options)) as url:
            found = outcome(told, "anchor", rpc=url)
        assert (found.status, found.code) == ("fail", code)

    def test_fails_under_another_origin_key(self, told, roots):
        believed = copy.deepcopy(told.trust)
        believed["logs"][0]["origin_key"] = "0x" + "77" * 32
        with serve(node_of(roots)) as url:
            found = outcome(told, "anchor", believed=f.as_json(believed), rpc=url)
        assert found.code == "anchor.root_differs"

    def test_fails_where_trust_names_no_chain(self, told, roots):
        believed = copy.deepcopy(told.trust)
        believed["chains"] = []
        with serve(node_of(roots)) as url:
            found = outcome(told, "anchor", believed=f.as_json(believed), rpc=url)
        assert (found.status, found.code) == ("fail", "anchor.untrusted")

    def test_fails_where_the_file_was_stripped_of_it(self, told, roots):
        proof = copy.deepcopy(told.proof)
        del proof["anchor"]
        with serve(node_of(roots)) as url:
            report = verify_file(f.as_json(proof), trust.parse(told.trust_bytes), rpc=url)
        found = report.fragments[trust.Fragment.ANCHOR]
        assert (found.status, found.code, report.verdict) == ("fail", "anchor.absent", "fail")

    @pytest.mark.parametrize(
        "answer",
        [
            (200, b""),
            (200, b"null"),
            (200, b"[]"),
            (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":1}}'),
            (200, b'{"result":12}'),
            (200, b'{"result":"0x"}'),
            (200, b'{"result":"0xzz"}'),
            (200, b"[" * 200_000),
            (200, b"x" * (web.RPC_BYTES_MAX + 1)),
            (500, b"{}"),
            (301, b"elsewhere"),
        ],
    )
    def test_fails_on_any_other_answer(self, told, answer):
        with serve(lambda *_: answer) as url:
            assert outcome(told, "anchor", rpc=url).status == "fail"

    def test_fails_where_nobody_answers(self, told):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        found = outcome(told, "anchor", rpc=url)
        assert (found.status, found.code) == ("fail", "web.no_answer")

    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/passwd",
            "ftp://a",
            "http://",
            "nonsense",
            "http://a:b",
            "http://[",
            "http://a?b",
            "http://user:word@a",
            "http://.a/",
            "http://" + "a" * 64 + ".example",
            "http://a\x01b",
            "http://a/ b",
            "http://\u00e9.example/",
            "http://a/\u00e9",
        ],
    )
    def test_other_urls_are_unusable(self, told, url):
        believed = trust.parse(told.trust_bytes)
        with pytest.raises(LedgerError):
            verify_file(told.proof_bytes, believed, rpc=url)
        with pytest.raises(LedgerError):
            verify_file(told.proof_bytes, believed, log=url)


class TestStanding:
    def test_passes_at_the_same_checkpoint(self, told):
        with serve(log_of(told.entries)) as url:
            report = verify_file(told.proof_bytes, trust.parse(told.trust_bytes), log=f"{url}/log")
        assert report.fragments[trust.Fragment.STANDING].status == "pass"
        assert report.verdict == "pass"

    @pytest.mark.parametrize("more", [1, 203, 204, 205, 600])
    def test_passes_while_others_write(self, told, more):
        entries = [*told.entries, *(f.sha256(b"%d" % n) * 2 for n in range(more))]
        with serve(log_of(entries)) as url:
            found = outcome(told, "standing", log=f"{url}/log/")
        assert found.status == "pass"
        assert found.fields["size"] == len(entries)

    @pytest.mark.parametrize(
        ("subject", "version", "code"),
        [
            (story.PLEDGE, 6, "standing.superseded"),
            (story.PLEDGE, 9, "standing.superseded"),
            (story.POOL, 3, "standing.pool_moved"),
            (story.POOL, 2, "standing.version_twice"),
            (story.PLEDGE, 1, "standing.version_twice"),
        ],
    )
    def test_fails_where_the_subject_moved(self, told, subject, version, code):
        """A later version, or a second body for a version that was shown already."""
        slipped = f.sha256(b"slipped in") + f.make_tag(story.SECRETS[subject], version)
        with serve(log_of([*told.entries, f.sha256(b"x") * 2, slipped])) as url:
            report = verify_file(told.proof_bytes, trust.parse(told.trust_bytes), log=f"{url}/log")
        found = report.fragments[trust.Fragment.STANDING]
        assert (found.status, found.code) == ("fail", code)
        assert report.verdict == "fail"

    def test_a_version_slipped_in_before_the_proof_is_found(self):
        """The pool has a second event under a version that the file shows differently."""
        secret = story.SECRETS[story.POOL]
        honest = story.tell(noise=3)
        entries = list(honest.entries)
        entries[1] = f.sha256(b"hidden reservation") + f.make_tag(secret, 2)
        told = rewrite(honest, entries)
        assert verify_file(told.proof_bytes, trust.parse(told.trust_bytes)).verdict == "pass"
        with serve(log_of(entries)) as url:
            found = outcome(told, "standing", log=f"{url}/log")
        assert (found.status, found.code) == ("fail", "standing.version_twice")

    @pytest.mark.parametrize(
        ("later", "code"),
        [
            (
                (
                    "released",
                    later_pledge(
                        "pledge.released", pledgee=story.BANK, reason="\u5df2\u6e05\u507f"
                    ),
                ),
                "standing.superseded",
            ),
            (
                ("diluted", later_pool("diluted", ("-1.00", "0.00"), ("1.00", "1.00", "0.00"))),
                "standing.pool_moved",
            ),
        ],
    )
    def test_fails_where_the_newer_version_stands_under_the_same_checkpoint(self, later, code):
        told = story.tell(noise=3, later=[later])
        with serve(log_of(told.entries)) as url:
            assert outcome(told, "standing", log=f"{url}/log").code == code

    @pytest.mark.parametrize(
        ("count", "version", "code"),
        [(1, 2**53 - 1, "standing.version_missing"), (17, 1, "standing.too_many")],
    )
    def test_looks_for_no_more_than_a_log_can_hold(self, count, version, code):
        subjects = {f"cap_{n}": standing._Subject(bytes(32), {version: n}) for n in range(count)}
        with pytest.raises(Failure) as refused:
            standing._check_bounds(subjects, Checkpoint(story.ORIGIN, 200, bytes(32)))
        assert refused.value.finding == code

    def test_fails_where_history_was_rewritten(self, told):
        entries = [f.sha256(b"rewritten") * 2, *told.entries[1:], f.sha256(b"x") * 2]
        with serve(log_of(entries)) as url:
            assert outcome(told, "standing", log=f"{url}/log").code == "standing.history_rewritten"

    def test_fails_where_the_log_shrank(self, told):
        with serve(log_of(told.entries[:300])) as url:
            assert outcome(told, "standing", log=f"{url}/log").code == "standing.log_shrank"

    def test_fails_where_entries_are_not_those_that_were_signed(self, told):
        more = [*told.entries, f.sha256(b"1") * 2]
        signed = log_of(more)("GET", "/log/checkpoint", b"")[1].decode()
        with serve(log_of([*told.entries, f.sha256(b"2") * 2], note=signed)) as url:
            assert outcome(told, "standing", log=f"{url}/log").code == "standing.tree_differs"

    def test_fails_where_nobody_signed_the_newer_head(self, told):
        note = f.checkpoint(story.ORIGIN, 400, f.sha256(b"x"), f.NoteKey("mallory.example"))
        with serve(log_of(told.entries, note=note)) as url:
            assert outcome(told, "standing", log=f"{url}/log").code == "signature.invalid"

    @pytest.mark.parametrize(
        "bundle",
        [
            b"",
            b"\x00",
            b"\x00\x40" + b"x" * 64,
            f.bundle([b"x" * 63] * 256),
            f.bundle([b"x" * 64] * 255),
            b"x" * 1_000_000,
        ],
    )
    def test_fails_on_a_broken_bundle(self, told, bundle):
        with serve(log_of(told.entries, changes={"/log/tile/entries/000": bundle})) as url:
            assert outcome(told, "standing", log=f"{url}/log").status == "fail"

    @pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"x" * 100_000, b"scf.example/log\n1\n"])
    def test_fails_on_a_broken_checkpoint(self, told, text):
        with serve(log_of(told.entries, changes={"/log/checkpoint": text})) as url:
            assert outcome(told, "standing", log=f"{url}/log").status == "fail"

    def test_needs_witnesses_on_the_newer_head_too(self):
        told = story.tell(noise=3, witnesses=story.WITNESSES)
        with serve(log_of(told.entries)) as url:
            found = outcome(told, "standing", log=f"{url}/log")
        assert found.code == "checkpoint.too_few_witnesses"
        with serve(log_of(told.entries, witnesses=story.WITNESSES)) as url:
            assert outcome(told, "standing", log=f"{url}/log").status == "pass"

    def test_is_not_a_tick_without_a_secret(self, told):
        proof = copy.deepcopy(told.proof)
        for entry in proof["entries"]:
            entry.pop("tag_secret", None)
        with serve(log_of(told.entries)) as url:
            report = verify_file(f.as_json(proof), trust.parse(told.trust_bytes), log=f"{url}/log")
        assert report.fragments[trust.Fragment.STANDING].code == "standing.no_secret"


class TestSlowServers:
    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nX: ",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        ],
        ids=["header", "body", "body of no length"],
    )
    def test_are_cut_off(self, told, monkeypatch, answer):
        """A server that drips one byte at a time cannot hold the verifier beyond its deadline."""
        monkeypatch.setattr(standing, "SECONDS_MAX", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/log"
            thread = threading.Thread(target=self._drip, args=(server, answer), daemon=True)
            thread.start()
            started = time.monotonic()
            found = outcome(told, "standing", log=url)
            assert time.monotonic() - started < 5
            assert (found.status, found.code) == ("fail", "web.no_answer")

    def test_that_break_the_protocol_give_no_answer(self, told):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n"
            threading.Thread(target=self._drip, args=(server, broken, b""), daemon=True).start()
            assert outcome(told, "anchor", rpc=url).code == "web.no_answer"

    def _drip(self, server, answer, rest=b"x" * 10_000):
        try:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                for byte in rest:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.05)
        except OSError:
            return


def rewrite(told, entries):
    """The same file over other entries: the operator signs whatever tree he likes."""
    leaves = [f.leaf(entry) for entry in entries]
    note = f.checkpoint(story.ORIGIN, len(entries), f.tree_root(leaves), story.LOG_KEY)
    proof = json.loads(told.proof_bytes)
    del proof["anchor"]
    for entry in proof["entries"]:
        index = int(entry["tlog_proof"].split("\n")[1].removeprefix("index "))
        entry["tlog_proof"] = f.tlog_proof(index, f.audit_path(leaves, index), note)
    return replace(told, entries=entries, proof=proof, note=note)
