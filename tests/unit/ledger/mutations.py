"""Ways to change a proof file: each a name, a change of the parsed file, and the fragments it costs."""

import base64
import copy
import json

from tests.golden import formats as f
from tests.golden import story

CONFIRMED, OPENED, SIGNED, ACCEPTED, RESERVED, REGISTERED, LOCKED = range(7)


def flip(text, place):
    """Change one symbol of a base64 text into another."""
    return text[:place] + ("B" if text[place] != "B" else "C") + text[place + 1 :]


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def entry(number, **values):
    """Put values into an entry; None takes the key away."""

    def change(proof):
        for key, value in values.items():
            if value is None:
                del proof["entries"][number][key]
            else:
                proof["entries"][number][key] = value

    return change


def change_entry(number, key, how):
    def change(proof):
        proof["entries"][number][key] = how(proof["entries"][number][key])

    return change


def drop_entry(number):
    def change(proof):
        del proof["entries"][number]

    return change


def repeat_entry(number):
    def change(proof):
        proof["entries"].append(copy.deepcopy(proof["entries"][number]))

    return change


def hide(number, field):
    """Strip the disclosure of one field."""

    def change(proof):
        shown = proof["entries"][number]["disclosures"]
        found = [text for text in shown if json.loads(unb64u(text))[1] == field]
        assert found
        shown.remove(found[0])

    return change


def show(number, field, value):
    """Replace what a disclosure says, keeping its salt."""

    def change(proof):
        shown = proof["entries"][number]["disclosures"]
        for place, text in enumerate(shown):
            salt, name, _ = json.loads(unb64u(text))
            if name == field:
                shown[place] = f.b64u(f.rfc8785.dumps([salt, name, value]))

    return change


def body(number, old, new):
    """Replace bytes within a body."""

    def change(proof):
        item = proof["entries"][number]
        data = unb64u(item["body"])
        assert old in data
        item["body"] = f.b64u(data.replace(old, new))

    return change


def jws_part(number, which, part, how):
    def change(proof):
        parts = proof["entries"][number]["authorizations"][which].split(".")
        parts[part] = how(parts[part])
        proof["entries"][number]["authorizations"][which] = ".".join(parts)

    return change


def checkpoint(how):
    """Change the checkpoint in every entry alike."""

    def change(proof):
        for item in proof["entries"]:
            head, blank, note = item["tlog_proof"].partition("\n\n")
            item["tlog_proof"] = head + blank + how(note)

    return change


def all_entries(key):
    def change(proof):
        for item in proof["entries"]:
            item.pop(key, None)

    return change


def put(key, value):
    def change(proof):
        if value is None:
            proof.pop(key)
        else:
            proof[key] = value

    return change


def anchor(**values):
    def change(proof):
        proof["anchor"] |= values

    return change


def drop_first(key):
    def change(proof):
        del proof[key][0]

    return change


def swap_tlog_proofs(proof):
    one, two = proof["entries"][OPENED], proof["entries"][RESERVED]
    one["tlog_proof"], two["tlog_proof"] = two["tlog_proof"], one["tlog_proof"]


def swap_authorizations(proof):
    one, two = proof["entries"][SIGNED], proof["entries"][ACCEPTED]
    one["authorizations"], two["authorizations"] = two["authorizations"], one["authorizations"]


def drop_signature_line(number):
    return checkpoint(
        lambda note: "".join(
            line for place, line in enumerate(note.splitlines(keepends=True)) if place != number
        )
    )


def high_s(number):
    return change_entry(number, "authorizations", lambda texts: [f.high_s(texts[0]), *texts[1:]])


def untrusted_ca(proof):
    """Replace a certificate by one that another authority of the same name issued."""
    other = f.make_ca("Test CA for enterprises")
    stranger = (f.make_key("stranger"), other[1])
    _, certificate = f.make_certificate(
        stranger, uscc=story.SUPPLIER, person=f.make_id("per", "supplier"), word="supplier"
    )
    proof["certificates"][2] = f.pem(certificate)


def path(how):
    """Change the inclusion path of the confirmation."""
    return change_entry(CONFIRMED, "tlog_proof", how)


def lines(text):
    return text.split("\n")


MUTATIONS = {
    # Body, disclosures
    "body byte, still canonical": (
        body(CONFIRMED, b"02:00:00Z", b"02:00:01Z"),
        {"record", "inclusion"},
    ),
    "body version": (body(OPENED, b'"version":1', b'"version":2'), {"record", "inclusion"}),
    "body with a space": (body(SIGNED, b'"version":2', b'"version": 2'), {"record", "inclusion"}),
    "body with a duplicate key": (
        body(SIGNED, b'"version":2', b'"version":2,"version":2'),
        {"record", "inclusion"},
    ),
    "body of another type": (
        body(REGISTERED, b"pledge.registered", b"pledge.registerex"),
        {"record", "inclusion"},
    ),
    "body digest": (body(REGISTERED, b'"_sd":["', b'"_sd":["-'), {"record", "inclusion"}),
    "body not base64 of JSON": (entry(LOCKED, body="AAAA"), {"record", "inclusion"}),
    "body empty": (entry(LOCKED, body=""), {"record", "inclusion"}),
    "disclosed amount": (show(SIGNED, "amount", f.cny("1245000.01")), {"record"}),
    "disclosed float": (show(SIGNED, "amount", 1245000), {"record"}),
    "disclosure byte": (
        change_entry(SIGNED, "disclosures", lambda texts: [flip(texts[0], 6), *texts[1:]]),
        {"record"},
    ),
    "disclosure twice": (
        change_entry(SIGNED, "disclosures", lambda texts: [*texts, texts[0]]),
        {"record"},
    ),
    "disclosure of another entry": (
        lambda proof: proof["entries"][SIGNED]["disclosures"].append(
            proof["entries"][LOCKED]["disclosures"][0]
        ),
        {"record"},
    ),
    "disclosure stripped: amount": (hide(SIGNED, "amount"), {"completeness"}),
    "disclosure stripped: pool secret": (
        hide(CONFIRMED, "pool_secret_sha256"),
        {"completeness"},
    ),
    "disclosure stripped: debtor": (hide(CONFIRMED, "debtor"), {"completeness"}),
    "disclosure stripped: used": (hide(RESERVED, "used"), {"completeness"}),
    "disclosure stripped: cause": (hide(OPENED, "cause"), {"completeness"}),
    "disclosure stripped: registration number": (hide(REGISTERED, "reg_no"), {"completeness"}),
    "disclosure stripped: signed event": (hide(ACCEPTED, "signed_event"), {"completeness"}),
    "disclosures stripped": (entry(LOCKED, disclosures=None), {"completeness"}),
    # Entry, tag, inclusion
    "tag": (change_entry(OPENED, "tag", lambda text: flip(text, 3)), {"inclusion"}),
    "tag stripped": (entry(OPENED, tag=None), {"inclusion"}),
    "tag secret": (
        change_entry(OPENED, "tag_secret", lambda text: flip(text, 3)),
        {"inclusion", "completeness"},
    ),
    "tag secret of a later pool version": (
        change_entry(RESERVED, "tag_secret", lambda text: flip(text, 3)),
        {"inclusion", "completeness"},
    ),
    "tag secret stripped from the pool": (entry(OPENED, tag_secret=None), {"completeness"}),
    "tag secret stripped from the pledge": (entry(LOCKED, tag_secret=None), {"completeness"}),
    "tag secrets stripped": (all_entries("tag_secret"), {"completeness"}),
    "tlog proof stripped": (entry(LOCKED, tlog_proof=None), {"inclusion"}),
    "tlog proofs stripped": (all_entries("tlog_proof"), {"inclusion", "checkpoint"}),
    "tlog proof header": (
        path(lambda text: text.replace("@v1", "@v2", 1)),
        {"inclusion"},
    ),
    "tlog proof index": (
        path(lambda text: text.replace("index 292", "index 291", 1)),
        {"inclusion"},
    ),
    "tlog proof index with a leading zero": (
        path(lambda text: text.replace("index 292", "index 0292", 1)),
        {"inclusion"},
    ),
    "tlog proof hash": (
        path(lambda text: "\n".join([*lines(text)[:2], flip(lines(text)[2], 4), *lines(text)[3:]])),
        {"inclusion"},
    ),
    "tlog proof hash stripped": (
        path(lambda text: "\n".join(lines(text)[:2] + lines(text)[3:])),
        {"inclusion"},
    ),
    "tlog proof hash added": (
        path(lambda text: "\n".join(lines(text)[:3] + lines(text)[2:])),
        {"inclusion"},
    ),
    "tlog proof with extra data": (
        path(lambda text: text.replace("\nindex", "\nextra AAAA\nindex", 1)),
        {"inclusion"},
    ),
    "tlog proofs swapped": (swap_tlog_proofs, {"inclusion"}),
    # Checkpoint
    "checkpoint size": (
        checkpoint(lambda note: note.replace("\n308\n", "\n309\n")),
        {"checkpoint", "inclusion"},
    ),
    "checkpoint signature": (
        checkpoint(
            lambda note: (
                note.replace(story.LOG_KEY.line("x")[:2], "\u2014 ", 1)[:-40] + flip(note[-40:], 5)
            )
        ),
        {"checkpoint"},
    ),
    "checkpoint not signed by the log": (drop_signature_line(4), {"checkpoint"}),
    "checkpoint with one witness of two": (drop_signature_line(6), {"checkpoint"}),
    "checkpoint of another log": (
        checkpoint(lambda note: note.replace("scf.example/log", "scf.example/gol")),
        {"checkpoint"},
    ),
    "checkpoint differs in one entry": (
        path(lambda text: text.replace("\n308\n", "\n310\n")),
        {"checkpoint"},
    ),
    "checkpoint unreadable": (
        checkpoint(lambda note: note.replace("\n308\n", "\n0308\n")),
        {"checkpoint"},
    ),
    "checkpoint extended": (
        checkpoint(lambda note: note.replace("\n\n", "\nextension\n\n", 1)),
        {"checkpoint"},
    ),
    # Authorization
    "signature byte": (jws_part(SIGNED, 0, 2, lambda part: flip(part, 9)), {"authorization"}),
    "signature with the higher s": (high_s(SIGNED), {"authorization"}),
    "signature stripped from the JWS": (
        jws_part(SIGNED, 0, 2, lambda _: ""),
        {"authorization"},
    ),
    "signed payload": (jws_part(ACCEPTED, 0, 1, lambda part: flip(part, 40)), {"authorization"}),
    "signed header": (jws_part(ACCEPTED, 1, 0, lambda part: flip(part, 9)), {"authorization"}),
    "header with another key": (
        jws_part(
            SIGNED,
            0,
            0,
            lambda part: f.b64u(f.rfc8785.dumps({**json.loads(unb64u(part)), "kid": "x"})),
        ),
        {"authorization"},
    ),
    "algorithm none": (
        jws_part(
            SIGNED,
            0,
            0,
            lambda part: f.b64u(f.rfc8785.dumps({**json.loads(unb64u(part)), "alg": "none"})),
        ),
        {"authorization"},
    ),
    "authorizations swapped": (swap_authorizations, {"authorization", "completeness"}),
    "checker twice": (
        change_entry(ACCEPTED, "authorizations", lambda texts: [texts[1], texts[1]]),
        {"authorization", "completeness"},
    ),
    "checker stripped": (
        change_entry(ACCEPTED, "authorizations", lambda texts: texts[:1]),
        {"completeness"},
    ),
    "maker stripped": (
        change_entry(CONFIRMED, "authorizations", lambda texts: texts[1:]),
        {"completeness"},
    ),
    "authorizations stripped": (entry(SIGNED, authorizations=None), {"completeness"}),
    "line added to a single statement": (
        change_entry(SIGNED, "authorizations", lambda texts: [texts[0] + "~AAAA~"]),
        {"authorization"},
    ),
    "certificate stripped": (drop_first("certificates"), {"authorization"}),
    "certificates stripped": (put("certificates", None), {"authorization"}),
    "certificate unreadable": (
        lambda proof: proof["certificates"].append("-----BEGIN CERTIFICATE-----"),
        {"authorization"},
    ),
    "certificate by a false authority": (untrusted_ca, {"authorization"}),
    "revocation list stripped": (drop_first("revocations"), {"authorization"}),
    "revocations stripped": (put("revocations", None), {"authorization"}),
    "revocation list changed": (
        lambda proof: proof["revocations"].__setitem__(0, flip(proof["revocations"][0], 60)),
        {"authorization"},
    ),
    # Entries
    "entries stripped": (put("entries", []), {"completeness"}),
    "confirmation stripped": (drop_entry(CONFIRMED), {"completeness"}),
    "pool opening stripped": (drop_entry(OPENED), {"completeness"}),
    "reservation stripped": (drop_entry(RESERVED), {"completeness"}),
    "signed pledge stripped": (drop_entry(SIGNED), {"completeness"}),
    "acceptance stripped": (drop_entry(ACCEPTED), {"completeness"}),
    "registration stripped": (drop_entry(REGISTERED), {"completeness"}),
    "lock stripped": (drop_entry(LOCKED), {"completeness"}),
    "entry repeated": (repeat_entry(OPENED), {"completeness"}),
    "called an event proof": (put("kind", "event"), {"completeness"}),
    # Anchor, offline
    "anchor root": (anchor(root="0x" + "00" * 32), {"anchor"}),
    "anchor size": (anchor(size=307), {"anchor"}),
    "anchor contract": (anchor(contract="0x" + "cc" * 20), {"anchor"}),
    "anchor chain": (anchor(chain_id=1), {"anchor"}),
    "anchor origin": (anchor(origin="other.example/log"), {"anchor"}),
}

UNUSABLE = {
    "another format": put("format", "scf-proof/2"),
    "unknown key": put("note", "hello"),
    "unknown kind": put("kind", "loan"),
    "unknown key in an entry": entry(OPENED, comment="hello"),
    "body stripped": entry(OPENED, body=None),
    "entries not a list": put("entries", {}),
    "tag too short": entry(OPENED, tag="AAAA"),
    "anchor root not a hash": anchor(root="00"),
    "anchor unknown key": anchor(note="x"),
    "a float": anchor(block_number=1.5),
    "a number beyond 2^53": anchor(block_number=2**60),
    "half a character": put("certificates", ["\ud800"]),
    "revocation not base64": put("revocations", ["%"]),
}
