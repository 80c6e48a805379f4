"""Signatures as Standard Webhooks has them, with the vector of its own Go library's tests."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scf.feed.deliveries import PAUSES, RETRY_AFTER_MAX, Taken, pause
from scf.feed.signing import derive, public_text, signature

NOW = datetime(2025, 11, 3, tzinfo=UTC)
ENDPOINT, OTHER = UUID(int=1), UUID(int=2)
VECTOR = "tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="


def taken(**other):
    values = {
        "id": UUID(int=7),
        "webhook_id": ENDPOINT,
        "index": 41,
        "type": "pledge.released",
        "event_id": UUID(int=8),
        "subject_id": UUID(int=9),
        "occurred_at": NOW,
        "url": "https://bank.example/",
        "key_number": 2,
        "previous_key_until": None,
    }
    return Taken(**{**values, **other})


def test_the_published_vector():
    key = Ed25519PrivateKey.from_private_bytes(
        base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
    )

    signed = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == f"v1a,{VECTOR}"


def test_every_endpoint_and_number_has_a_key_of_its_own():
    secret = bytes(32)
    keys = {
        public_text(derive(*what))
        for what in (
            (secret, ENDPOINT, 1),
            (secret, ENDPOINT, 2),
            (secret, OTHER, 1),
            (bytes([1]) * 32, ENDPOINT, 1),
        )
    }

    assert len(keys) == 4
    assert public_text(derive(secret, ENDPOINT, 1)) in keys
    assert all(key.startswith("whpk_") for key in keys)


def test_two_keys_sign_side_by_side():
    keys = [derive(bytes(32), ENDPOINT, number) for number in (2, 1)]

    signed = signature(keys, "msg_1", 5, b"{}").split(" ")

    for key, one in zip(keys, signed, strict=True):
        public = Ed25519PublicKey.from_public_bytes(
            base64.b64decode(public_text(key).removeprefix("whpk_"))
        )
        public.verify(base64.b64decode(one.removeprefix("v1a,")), b"msg_1.5.{}")


def test_the_old_key_signs_until_its_overlap_is_over():
    until = NOW + timedelta(hours=1)

    assert taken().key_numbers(NOW) == [2]
    assert taken(previous_key_until=until).key_numbers(NOW) == [2, 1]
    assert taken(previous_key_until=until).key_numbers(until) == [2]


def test_the_payload_says_no_more_than_ids():
    base = "https://scf.example/v1"

    assert taken().body("https://scf.example").decode() == (
        '{"data":{"event":"evt_00000000000000000000000008","index":41,"links":'
        f'{{"event":"{base}/events/evt_00000000000000000000000008",'
        f'"proof":"{base}/events/evt_00000000000000000000000008/proof",'
        f'"record":"{base}/pledge-records/plg_00000000000000000000000009?as_of_index=41"}},'
        '"subject":"plg_00000000000000000000000009"},"timestamp":"2025-11-03T00:00:00Z",'
        '"type":"pledge.released"}'
    )
    assert "record" not in taken(type="pool.paid").body("https://scf.example").decode()


def test_pauses_grow_over_three_days():
    assert sum(PAUSES, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    for attempts, planned in enumerate(PAUSES, 1):
        assert planned <= pause(attempts, None) <= planned * 1.1
    assert pause(1, timedelta(hours=3)) == timedelta(hours=3)
    assert pause(1, timedelta(days=9)) == RETRY_AFTER_MAX
    assert pause(9, timedelta(seconds=1)) >= PAUSES[-1]
