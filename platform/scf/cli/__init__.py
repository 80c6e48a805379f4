"""The command line, `scf COMMAND`: each module of this package is a command.

A module adds its parser in `add_parser(subparsers)` and names what to run with
`parser.set_defaults(run=…)`, a function from the parsed arguments to the exit code: 0 well, 1 refused
or failed, 2 unusable input. Results go to stdout, everything said to a person to stderr. Errors are
one line, Chinese first; an unforeseen one is written whole to `logs/cli.log`.
"""

import argparse
import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pydantic import ValidationError

from scf.kernel.errors import Invalid, SCFError, TooLarge

FAILED = 1
UNUSABLE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
STOPPING = 20.0  # seconds that a command has to stop what it started


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        _on_interruption(_leave_at_once)
        options = build_parser(arguments).parse_args(arguments)
        _on_interruption(_Interruption())
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - a person gets one line, never a stack trace
        line, code = explain(error)
        print(line, file=sys.stderr)  # noqa: T201 - a command line speaks
        return code
    finally:
        _on_interruption(signal.SIG_IGN)  # the interpreter, too, ends in peace


def _on_interruption(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's `&` has it ignored
        signal.signal(number, handler)


def _leave_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    """End a command that is still loading: nothing is to be stopped yet.

    No exception: the machinery of imports swallows some and prints others.
    """
    os._exit(INTERRUPTED)


class _Interruption:
    """Ends a running command in order: it may have servers to stop.

    Being told again passes it by, since it would cut the stopping short; but not for ever, since a
    library may have swallowed the first.
    """

    def __init__(self) -> None:
        self._deaf_until = 0.0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if time.monotonic() >= self._deaf_until:
            self._deaf_until = time.monotonic() + STOPPING
            raise KeyboardInterrupt


def explain(error: Exception) -> tuple[str, int]:
    """Return the line about an error, and the exit code."""
    match error:
        case Invalid() | TooLarge():
            return error.line(), UNUSABLE
        case SCFError():
            return error.line(), FAILED
        case ValidationError():
            names = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
            return f"设置无效 (Invalid settings) settings.invalid: {names}", UNUSABLE
        case OSError():
            return f"系统错误 (System error) system: {error}", FAILED
        case _:
            log = keep_trace(error)
            return f"程序内部错误 (Internal error) internal: {type(error).__name__}, {log}", FAILED


def keep_trace(error: Exception) -> Path:
    """Write the stack trace of an unforeseen error, and return where."""
    log = Path(os.environ.get("SCF_DATA", ".scf"), "logs", "cli.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        traceback.print_exception(error, file=file)
    return log


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the command asked for, or of all of them where none is named.

    Other commands are not even imported, so that each starts quickly.
    """
    parser = argparse.ArgumentParser(
        prog="scf", description="供应链金融平台 / supply-chain finance platform"
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    modules = {
        module.name.rstrip("_"): module.name  # `import_` serves `import`
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    }
    asked = [name for name in arguments[:1] if name in modules]
    for name in asked or modules:
        importlib.import_module(f"{__name__}.{modules[name]}").add_parser(subparsers)
    return parser
