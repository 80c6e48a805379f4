"""The arrangement of docker-compose.yml, run without an engine on Debian's own PostgreSQL and Redis."""

import shutil

import pytest

from scf.settings import Settings
from scf.story.papers import samples
from scf.story.play import play
from scf.story.screens import Screen
from scf.story.script import Script
from scf.story.stage import Stage, open_journal
from tests.support.compose import composed, debian_postgres

pytestmark = pytest.mark.skipif(
    debian_postgres() is None or shutil.which("redis-server") is None,
    reason="needs Debian's packages postgresql and redis-server",
)


@pytest.fixture(scope="module")
def arranged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composed")
    folder.parent.chmod(0o755)  # PostgreSQL may run as another account
    folder.chmod(0o755)
    with composed(folder, BUSINESS_CLOCK="/data/business-clock") as made:
        yield made


def test_the_whole_story_is_told_on_it(arranged):
    screen, script = Screen(), Script.of(samples())
    settings = Settings.model_validate(arranged.environment)
    report = play(Stage(settings, script, open_journal(arranged.data, script), screen))
    assert report["audit"] == "clean"
    assert report["events"] == report["log"]["size"] == report["anchor"]["size"]
    assert [proof["verdict"] for proof in report["proofs"]] == [
        proof["expect"] for proof in report["proofs"]
    ]


def test_every_service_is_still_up(arranged):
    ended = {name: process.poll() for name, process in arranged.running.items()}
    assert {name for name, code in ended.items() if code is not None} == {"bootstrap"}
