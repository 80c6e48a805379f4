"""The supervisor, with tiny children."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scf.runtime import running, running_at, supervisor
from scf.runtime.probes import answers, logs
from scf.runtime.service import Service
from scf.runtime.session import AlreadyRunning
from scf.runtime.supervisor import ServiceFailed
from tests.support.anvil import free_port

WAITS = "import time; print('up', flush=True); time.sleep(600)"
DIES = "raise SystemExit('no luck')"
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def child(name, code=WAITS, **more):
    return Service(name, name, lambda _site: [sys.executable, "-c", code], **more)


def eventually(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Events(list):
    def __call__(self, what, service, seconds):
        self.append((what, service.name))

    def names(self, what):
        return [name for happened, name in self if happened == what]


def run(tmp_path, *services, report=supervisor.silent, **more):
    return running(
        tmp_path / "site",
        services,
        environment=ENVIRONMENT,
        fixed_ports=False,
        report=report,
        **more,
    )


def test_services_start_after_what_they_need_and_stop_before_it(tmp_path):
    trace = tmp_path / "stops"
    says_goodbye = f"""
import signal, sys, time, pathlib
def leave(*_):
    with pathlib.Path({str(trace)!r}).open("a") as file: file.write(NAME + " ")
    time.sleep(0.1)
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""

    def polite(name, *needs):
        return child(name, f"NAME = {name!r}{says_goodbye}", ready=logs("up"), needs=needs)

    events = Events()
    step = child("step", "pass", once=True, needs=("low",))
    table = (polite("top", "step"), step, polite("low"), polite("side", "low"))
    with run(tmp_path, *table, report=events) as runtime:
        pids = runtime.pids()
        assert set(pids) == {"top", "low", "side"}
        assert all(map(is_alive, pids.values()))
    ready = events.names("ready")
    assert ready.index("low") < ready.index("step") < ready.index("top")
    assert ready.index("low") < ready.index("side")
    assert trace.read_text().split()[-1] == "low"
    assert not any(map(is_alive, pids.values()))
    assert runtime.pids() == {}


def test_a_killed_child_comes_back(tmp_path):
    events = Events()
    with run(tmp_path, child("one"), child("other"), report=events) as runtime:
        before = runtime.pids()
        os.kill(before["one"], signal.SIGKILL)
        after = eventually(
            lambda: (now := runtime.pids()).get("one", before["one"]) != before["one"] and now
        )
        assert after["other"] == before["other"]
        eventually(lambda: events.names("ready").count("one") == 2)
    assert events.names("crashed") == ["one"]


def test_what_a_killed_child_left_behind_goes_too(tmp_path):
    forks = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {WAITS!r}]).pid, flush=True); {WAITS}"
    with run(tmp_path, child("family", forks, ready=logs("up"))) as runtime:
        log = tmp_path / "site" / "logs" / "family.log"
        grandchild = eventually(
            lambda: [line for line in log.read_text().split() if line.isdigit()]
        )[0]
        os.kill(runtime.pids()["family"], signal.SIGKILL)
        eventually(lambda: not is_alive(grandchild))


def test_a_child_that_keeps_dying_is_given_up_with_its_last_words(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST", 0.01)
    events = Events()
    with (
        pytest.raises(ServiceFailed) as failed,
        run(tmp_path, child("good"), child("bad", DIES, ready=logs("up")), report=events),
    ):
        raise AssertionError("it was never ready")
    assert failed.value.fields["service"] == "bad"
    assert failed.value.fields["said"] == "no luck"
    assert events.names("crashed") == ["bad"] * (supervisor.CRASHES_MAX - 1)


def test_giving_up_while_serving_ends_the_wait_and_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST", 0.01)
    flag = tmp_path / "broken"
    code = (
        f"import pathlib, sys; pathlib.Path({str(flag)!r}).exists() and sys.exit('broken'); {WAITS}"
    )

    def break_it(runtime):
        flag.touch()
        os.kill(runtime.pids()["frail"], signal.SIGKILL)
        runtime.wait()

    with pytest.raises(ServiceFailed), run(tmp_path, child("frail", code)) as runtime:
        break_it(runtime)


def test_pauses_between_tries_double(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST", 0.05)
    monkeypatch.setattr(supervisor, "CRASHES_MAX", 4)
    started = time.monotonic()
    with pytest.raises(ServiceFailed), run(tmp_path, child("bad", DIES, ready=logs("up"))):
        pass
    assert time.monotonic() - started > 0.05 + 0.1 + 0.2


def test_a_step_that_fails_ends_the_start(tmp_path):
    with (
        pytest.raises(ServiceFailed, match="step"),
        run(tmp_path, child("step", DIES, once=True), child("after", needs=("step",))),
    ):
        raise AssertionError("it was never ready")


def test_a_child_that_never_answers_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "CRASHES_MAX", 2)
    deaf = child("deaf", ready=answers("/healthz"), port=1, patience=0.2)
    with pytest.raises(ServiceFailed), run(tmp_path, deaf):
        pass


def test_a_program_that_is_not_there_is_one_clear_error(tmp_path):
    missing = Service("ghost", "ghost", lambda _site: ["/no/such/program"])
    with pytest.raises(ServiceFailed, match="/no/such/program"), run(tmp_path, missing):
        pass


def test_a_stubborn_child_is_killed_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_PATIENCE", 0.3)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
    with run(tmp_path, child("deaf", deaf, ready=logs("up"))) as runtime:
        pid = runtime.pids()["deaf"]
    assert not is_alive(pid)


def test_a_second_supervisor_is_refused_with_the_pid_of_the_first(tmp_path):
    with run(tmp_path, child("one")), pytest.raises(AlreadyRunning) as refused, run(tmp_path):
        pass
    assert refused.value.fields["pid"] == str(os.getpid())


def test_a_running_installation_is_found_and_a_stopped_one_is_not(tmp_path):
    table = child("api", port=1, provides="PUBLIC_URL", address=lambda site: site.url("api"))
    assert running_at(tmp_path / "site") is None
    with run(tmp_path, table) as runtime:
        found = running_at(tmp_path / "site")
        assert found.addresses == runtime.addresses
        assert found.pids() == runtime.pids()
        assert found.settings.public_url == runtime.addresses["PUBLIC_URL"]
    assert running_at(tmp_path / "site") is None


def test_a_real_server_stands_in_for_an_embedded_one(tmp_path):
    address = "postgresql://db.example/scf"
    code = f"import os; assert os.environ['DATABASE_URL'] == {address!r}; {WAITS}"
    table = (
        child("postgres", DIES, provides="DATABASE_URL", address=lambda _site: "never"),
        child("app", code, needs=("postgres",), ready=logs("up")),
    )
    environment = {**ENVIRONMENT, "DATABASE_URL": address}
    with running(tmp_path, table, environment=environment, fixed_ports=False) as runtime:
        assert set(runtime.pids()) == {"app"}
        assert runtime.addresses["DATABASE_URL"] == address


def test_ports_are_kept_and_a_busy_one_is_left_alone(tmp_path):
    serves = child("web", port=1, provides="PUBLIC_URL", address=lambda site: site.url("web"))
    with run(tmp_path, serves) as runtime:
        first = runtime.addresses["PUBLIC_URL"]
    again = {"environment": ENVIRONMENT, "fixed_ports": True}
    with running(tmp_path / "site", [serves], **again) as runtime:
        assert runtime.addresses["PUBLIC_URL"] == first
    port = int(first.rpartition(":")[2])
    other = replace(serves, port=port)
    with (
        socket.create_server(("127.0.0.1", port)),
        running(tmp_path / "site", [other], **again) as runtime,
    ):
        assert runtime.addresses["PUBLIC_URL"] != first


def test_two_installations_that_start_at_once_take_different_ports(tmp_path):
    """Neither server listens yet when the other's port is chosen."""
    serves = child("web", port=1, provides="PUBLIC_URL", address=lambda site: site.url("web"))
    wanted = free_port()
    table = [replace(serves, port=wanted)]
    with (
        running(tmp_path / "one", table, environment=ENVIRONMENT) as one,
        running(tmp_path / "two", table, environment=ENVIRONMENT) as two,
    ):
        assert one.addresses["PUBLIC_URL"].endswith(f":{wanted}")
        assert one.addresses["PUBLIC_URL"] != two.addresses["PUBLIC_URL"]
    with running(tmp_path / "three", table, environment=ENVIRONMENT) as three:
        assert three.addresses["PUBLIC_URL"] == one.addresses["PUBLIC_URL"]


def test_children_leave_when_the_supervisor_is_killed_and_the_folder_is_free_again(tmp_path):
    script = f"""
        import os, sys, pathlib
        from scf.runtime import running
        from scf.runtime.service import Service
        waits = Service("one", "one", lambda _site: [sys.executable, "-c", {WAITS!r}])
        with running(pathlib.Path({str(tmp_path / "site")!r}), [waits]) as runtime:
            print("ready", flush=True)
            runtime.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"ready\n"
        pid = running_at(tmp_path / "site").pids()["one"]
        assert is_alive(pid)
        first.kill()
        first.wait()
        eventually(lambda: not is_alive(pid))
        with run(tmp_path, child("one")) as runtime:
            assert runtime.pids()["one"] != pid


def test_a_child_heeds_its_stop_signal_though_who_started_the_platform_ignores_it(tmp_path):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with run(tmp_path, child("one")) as runtime:
            pid = runtime.pids()["one"]
            os.kill(pid, signal.SIGTERM)
            eventually(lambda: not is_alive(pid))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_private_files_are_private(tmp_path):
    with run(tmp_path, child("one")):
        site = tmp_path / "site"
        assert site.stat().st_mode & 0o077 == 0
        assert (site / "runtime.json").stat().st_mode & 0o777 == 0o600


def test_the_supervisor_leaves_no_thread(tmp_path):
    before = set(threading.enumerate())  # the servers that other tests share have one each
    with run(tmp_path, child("one")):
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before
