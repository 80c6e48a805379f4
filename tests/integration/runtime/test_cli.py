"""The command line: one line for an error, and `scf up` from start to Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import types
from contextlib import contextmanager

import pytest

from scf import cli
from scf.kernel.errors import Conflict, ValueInvalid
from scf.runtime import settings_here
from scf.runtime.session import NotRunning
from scf.settings import Settings


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Make `scf try` run what a test gives it."""
    monkeypatch.setenv("SCF_DATA", str(tmp_path / "site"))

    def give(run):
        def build_parser(_arguments):
            return types.SimpleNamespace(parse_args=lambda _: types.SimpleNamespace(run=run))

        monkeypatch.setattr(cli, "build_parser", build_parser)
        return cli.main(["try"])

    return give


def fail_with(error):
    def run(_options):
        raise error

    return run


class Taken(Conflict):
    code = "seat.taken"
    title = "座位已被占用"
    title_en = "The seat is taken"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Taken(seat=7), 1, "座位已被占用 (The seat is taken) seat.taken: seat=7"),
        (
            ValueInvalid(field="amount", value="x"),
            2,
            "输入值无效 (The value is not valid) [amount] value.invalid: value=x",
        ),
        (
            FileNotFoundError(2, "No such file", "a.xml"),
            1,
            "系统错误 (System error) system: [Errno 2] No such file: 'a.xml'",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_one_line(command, capsys, error, code, line):
    assert command(fail_with(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip() == line


def test_an_unforeseen_error_is_one_line_and_a_file(command, capsys, tmp_path):
    assert command(fail_with(ZeroDivisionError("by zero"))) == 1
    _, err = capsys.readouterr()
    log = tmp_path / "site" / "logs" / "cli.log"
    assert err.strip() == f"程序内部错误 (Internal error) internal: ZeroDivisionError, {log}"
    assert "Traceback" in log.read_text()


def test_wrong_settings_name_the_variable(command, capsys, monkeypatch):
    monkeypatch.setenv("DATABASE_POOL_SIZE", "many")
    assert command(lambda _: Settings.load()) == 2
    assert "DATABASE_POOL_SIZE" in capsys.readouterr().err


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["nonsense"])
    assert left.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_every_command_has_a_help_that_begins_in_chinese():
    parser = cli.build_parser([])
    (subparsers,) = [action for action in parser._actions if action.choices]
    assert "up" in subparsers.choices
    for choice in subparsers._choices_actions:
        assert "\u4e00" <= choice.help[0] <= "\u9fff", choice.dest


def test_a_command_that_needs_the_platform_says_that_it_is_not_running(monkeypatch, tmp_path):
    monkeypatch.setenv("SCF_DATA", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(NotRunning):
        settings_here()


def test_real_servers_need_no_running_installation(monkeypatch, tmp_path):
    monkeypatch.setenv("SCF_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/scf")
    assert settings_here().database_url == "postgresql://db.example/scf"


UP = """
    import sys
    from scf import cli
    from scf.cli import up
    from scf.runtime.service import Service
    waits = "print('up', flush=True); import time; time.sleep(600)"
    up.SERVICES = (
        Service("api", "接口 API", lambda _site: [sys.executable, "-c", waits], port=1,
                provides="PUBLIC_URL", address=lambda site: site.url("api")),
    )
    sys.exit(cli.main(["up"]))
"""


@contextmanager
def start(tmp_path):
    """Run `scf up` as a shell's `&` does, with SIGINT ignored."""
    shell = ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, textwrap.dedent(UP)]
    environment = {"PATH": os.environ["PATH"], "SCF_DATA": str(tmp_path / "site")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(shell, env=environment, **pipes) as process:
        yield process
        process.kill()


def read_until(stream, words):
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("message", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_until_it_is_told_to_stop(tmp_path, message):
    with start(tmp_path) as serving:
        said = read_until(serving.stderr, "Ctrl-C")
        assert "接口 API" in said
        assert "/docs" in said
        with start(tmp_path) as second:
            out, err = second.communicate(timeout=60)
        assert second.returncode == 1
        assert f"pid={serving.pid}" in err
        assert out == ""
        serving.send_signal(message)
        out, err = serving.communicate(timeout=60)
    assert serving.returncode == 0
    assert "平台已停止" in err
    assert out == ""
