"""PostgreSQL as a child process: its cluster, its account, its command line."""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scf.runtime.programs import Unusable, postgres_program
from scf.runtime.site import HOST, Site, write_private

USER = "scf"
DATABASE = "scf"
CONNECTIONS_MAX = 300
CLUSTER = "postgres"

IN_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
# Changing the account drops the wish to leave with the parent, so it is made again.
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=INT")


def address(site: Site) -> str:
    """Return the URL of the database."""
    return (
        f"postgresql://{USER}:{site.secret('postgres')}@{HOST}:{site.ports['postgres']}/{DATABASE}"
    )


def command(site: Site, *, durable: bool = True) -> Sequence[str]:
    """Return the server's command line. Without `durable` a power cut may lose everything."""
    settings = {
        "max_connections": str(CONNECTIONS_MAX),
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    return [
        *unprivileged(),
        postgres_program("postgres"),
        *("-D", str(site.data / CLUSTER), "-h", HOST, "-p", str(site.ports["postgres"]), "-k", ""),
        *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
    ]


def make_cluster(site: Site) -> None:
    """Make the cluster where there is none yet; one half made never counts.

    Raises Unusable with PostgreSQL's own words.
    """
    cluster = site.data / CLUSTER
    if cluster.exists():
        forget_stale_pid(cluster)
        return
    building, password = site.data / "postgres.part", site.data / "postgres.password"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    write_private(password, site.secret("postgres"))
    _hand_over(site.data, building, password)
    try:
        _run(
            postgres_program("initdb"),
            *(f"--pgdata={building}", f"--username={USER}", f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"),
        )
        _run(
            *(postgres_program("postgres"), "--single", "-D", str(building), "postgres"),
            words=f"CREATE DATABASE {DATABASE}",
        )
    finally:
        password.unlink()
    building.replace(cluster)


def forget_stale_pid(cluster: Path) -> None:
    """Remove the lock of a dead server whose number another program has by now."""
    lock = cluster / "postmaster.pid"
    try:
        pid = int(lock.read_text().split()[0])
        program = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
        return  # no lock, or PostgreSQL sees by itself that it is stale
    if program != "postgres":
        lock.unlink()


@functools.cache
def unprivileged() -> tuple[str, ...]:
    """Return the words before a PostgreSQL command that keep it from being root, which it refuses.

    A user namespace, where allowed, makes root an ordinary user to the program while the files stay
    root's; else the program runs as `nobody`. Raises Unusable where neither is possible.
    """
    if os.geteuid() != 0:
        return ()
    for words in (IN_NAMESPACE, AS_NOBODY):
        if shutil.which(words[0]) and _works([*words, postgres_program("postgres"), "-V"]):
            return words
    raise Unusable(program="postgres", user="root", tried="unshare, setpriv")


def _works(words: Sequence[str]) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words


def _hand_over(data: Path, *paths: Path) -> None:
    """Give files to the account that PostgreSQL runs as, where that is another one."""
    if unprivileged() == AS_NOBODY:
        data.chmod(0o711)  # it passes through, and cannot look around
        for path in paths:
            shutil.chown(path, "nobody", "nogroup")


def _run(*command: str, words: str | None = None) -> None:
    """Run one of PostgreSQL's tools to its end. Raises Unusable with its last line."""
    done = subprocess.run(  # noqa: S603 - our own words
        [*unprivileged(), *command], input=words, text=True, capture_output=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise Unusable(program=Path(command[0]).name, said=last)
