"""One attempt, at receivers of every kind: in time, bounded, and only where it may go."""

import asyncio
import ssl
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from scf.feed import addresses
from scf.feed.sending import EXCERPT_BYTES_MAX, Sender
from scf.feed.signing import derive
from tests.support.receiving import answer, receiving, resolving, speaking

NOW = datetime(2025, 11, 3, tzinfo=UTC)


def send(url, sender=None):
    sender = sender or Sender(loopback=True)
    keys = [derive(bytes(32), UUID(int=1), 1)]
    return asyncio.run(sender.send(url, b"{}", message_id="msg_1", keys=keys, now=NOW))


def test_headers_and_body_arrive():
    with receiving() as bank:
        outcome = send(bank.url)

    assert (outcome.status, outcome.problem, outcome.excerpt) == (204, None, "")
    (headers,) = bank.headers
    assert headers["webhook-id"] == "msg_1"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-signature"].startswith("v1a,")
    assert headers["content-type"] == "application/json"
    assert bank.bodies == [b"{}"]


def test_a_redirect_is_not_followed():
    with receiving() as inside, receiving() as bank:
        bank.answer = lambda handler: answer(handler, 302, headers={"location": inside.url})

        outcome = send(bank.url)

    assert (outcome.status, outcome.is_success) == (302, False)
    assert inside.bodies == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_inside_is_not_called(address):
    outcome = send(
        "https://bank.example/", Sender(loopback=False, resolve=resolving("1.1.1.1", address))
    )

    assert (outcome.status, outcome.problem) == (None, "address_forbidden")


def test_an_address_kept_from_before_the_setting_changed_is_not_called():
    with receiving() as inside:
        outcome = send(inside.url, Sender(loopback=False))

    assert outcome.problem == "address_forbidden"
    assert inside.bodies == []


def test_a_name_is_resolved_once_and_that_very_address_is_called(monkeypatch):
    asked = []

    async def rebinding(host, _port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with receiving() as bank:
        outcome = send(
            bank.url.replace("127.0.0.1", "localhost"), Sender(loopback=True, resolve=rebinding)
        )

    assert outcome.status == 204
    assert asked == ["localhost"]
    assert bank.headers[0]["host"].startswith("localhost:")


def test_a_slow_answer_is_not_waited_for():
    left = threading.Event()
    with receiving() as bank:
        bank.answer = lambda _: left.wait(10)
        outcome = send(bank.url, Sender(loopback=True, seconds_max=0.2))
        left.set()

    assert (outcome.status, outcome.problem) == (None, "timeout")


def test_nor_one_that_drips():
    left = threading.Event()

    def drip(handler):
        while not left.wait(0.02):
            handler.wfile.write(b"H")

    with receiving() as bank:
        bank.answer = drip
        outcome = send(bank.url, Sender(loopback=True, seconds_max=0.3))
        left.set()

    assert outcome.problem in ("timeout", "answer_invalid")


def test_of_a_huge_answer_the_beginning_is_read():
    def flood(handler):
        handler.send_response(500)
        handler.send_header("content-length", str(10**12))
        handler.end_headers()
        while True:
            handler.wfile.write(b"\x00\xff<script>" * 1_000)

    with receiving() as bank:
        bank.answer = flood
        outcome = send(bank.url)

    assert outcome.status == 500
    assert 0 < len(outcome.excerpt) <= EXCERPT_BYTES_MAX
    assert outcome.excerpt.isprintable()


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff\x00\xff", b"HTTP/1.1 nonsense\r\n\r\n", b"220 mail\r\n"]
)
def test_garbage_is_a_failure(raw):
    with speaking(raw) as url:
        outcome = send(url)

    assert (outcome.status, outcome.problem) == (None, "answer_invalid")


def test_nobody_there():
    with speaking(b"") as url:
        pass

    assert send(url).problem == "connection_failed"


def test_a_name_that_is_none():
    async def none(_host, _port):
        raise OSError

    outcome = send("https://bank.example/", Sender(loopback=False, resolve=none))

    assert outcome.problem == "name_not_resolved"


@pytest.mark.parametrize(
    ("said", "heard"),
    [("120", timedelta(minutes=2)), ("soon", None), ("-1", None), ("9" * 40, None), ("１２", None)],
)
def test_retry_after(said, heard):
    raw = f"HTTP/1.1 503 busy\r\nretry-after: {said}\r\ncontent-length: 0\r\n\r\n".encode()
    with speaking(raw) as url:
        assert send(url).retry_after == heard


@pytest.mark.parametrize(
    ("name", "problem"), [("bank.example", None), ("other.example", "tls_failed")]
)
def test_the_certificate_is_held_to_the_name(name, problem, tmp_path, monkeypatch):
    monkeypatch.setattr(addresses, "PORTS", range(65_536))
    served, trusted = contexts(name, tmp_path)
    with receiving(served) as bank:
        port = bank.url.rpartition(":")[2]
        sender = Sender(loopback=True, resolve=resolving("127.0.0.1"), verify=trusted)
        outcome = send(f"https://bank.example:{port}", sender)

    assert outcome.problem == problem
    assert len(bank.bodies) == (problem is None)
    if problem is None:
        assert bank.headers[0]["host"].startswith("bank.example:")


def contexts(name, folder):
    """Return what a server of this name serves TLS with, and what trusts its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(certificate + secret)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "server.pem")
    return served, ssl.create_default_context(cadata=certificate.decode())
