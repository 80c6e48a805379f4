"""The scripts for integrators, run as they stand, against a platform on a port."""

import asyncio
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scf.evidence import keys
from scf.feed.sending import Sender
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf_ledger import trust
from scf_ledger.verify import Fragment, Status, verify_file
from scf_workers.webhooks import Courier
from tests.support.actors import STORY_BEGINS
from tests.support.anvil import free_port
from tests.support.serving import served

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LINES_MAX = 100


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_they_are_short_and_need_no_platform(script):
    source = script.read_text()

    assert len(source.splitlines()) < LINES_MAX
    imported = {match[1] for match in re.finditer(r"^(?:from|import) (\w+)", source, re.MULTILINE)}
    assert imported - sys.stdlib_module_names <= {"httpx", "cryptography"}


def test_feed_and_proof(desk, signer, publish, tmp_path):
    desk.stage.clock.set(STORY_BEGINS)
    bank, pledge = desk.stage.cast.bank, desk.ready_pledge(desk.receivable(300))
    publish()
    with served(desk.stage) as url:
        command = [sys.executable, EXAMPLES / "bank_feed.py", url, public_id("cli", bank.client_id)]
        done = subprocess.run(
            [*command, bank.client_secret],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert f"{pledge} EFFECTIVE" in done.stdout
    with desk.stage.database.reading() as session:
        believed = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)],
            authorities=parties.authorities(session),
        )
    report = verify_file((tmp_path / "pledge.scfproof").read_bytes(), trust.parse(believed))
    assert report.fragments[Fragment.INCLUSION].status is Status.PASS


def test_the_receiver_believes_what_is_signed(desk, publish, tmp_path):
    desk.stage.clock.set(STORY_BEGINS)
    bank, port = desk.stage.cast.bank, free_port()
    settings = desk.stage.http.app.state.settings
    courier = Courier(
        desk.stage.database,
        keys.webhook_secret(settings),
        "https://scf.example",
        Sender(loopback=True),
        desk.stage.clock,
    )
    body = {"url": f"http://127.0.0.1:{port}/", "types": ["pledge.*"]}
    webhook = desk.did(bank, "/v1/webhooks", body)
    other = desk.did(bank, "/v1/webhooks", body)
    command = [sys.executable, EXAMPLES / "webhook_receiver.py", str(port)]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen([*command, webhook["keys"][0]["public_key"]], stdout=out)
        try:
            listening(port)
            pledge = desk.signed_pledge(desk.receivable(301))
            publish()
            asyncio.run(turns(courier))
        finally:
            process.kill()
            process.wait()

    states = [
        {one["state"] for one in desk.seen(bank, f"/v1/webhooks/{each['id']}/deliveries")["items"]}
        for each in (webhook, other)
    ]
    for each in (webhook, other):
        desk.did(bank, f"/v1/webhooks/{each['id']}/delete", {})
    assert states == [{"delivered"}, {"waiting"}]  # the other's key is not the receiver's
    said = (tmp_path / "out").read_text().splitlines()
    told = [line.split()[::2] for line in said]
    for type_ in ("pledge.proposed", "pledge.signed"):
        assert told.count([type_, pledge]) == 1


async def turns(courier):
    while begun := await courier.turn():
        await asyncio.gather(*begun)


def listening(port):
    deadline = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)
