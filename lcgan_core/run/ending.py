"""How a command ends: its exit code, and at most one sentence about what the user can mend.

1: a UserError, or what the system refused; 2: a command that does not exist or is misspelt; 130,
129 and 143: Ctrl-C, SIGHUP and SIGTERM.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

from lcgan_core.errors import UserError, memory_is_full
from lcgan_core.run import signals

USAGE, INTERRUPTED = 2, 130
INTERRUPTION = "interrupted; run the same command again to resume."
NO_MEMORY = "lcgan: there is not enough memory; close other programs or ask for less."


def of(command: Callable[[], int]) -> int | str:
    """What `sys.exit` is to be given after `command`; other errors, which are ours, are raised."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a path may be in no encoding at all
            stream.reconfigure(errors="backslashreplace")
    with signals.stopping() as met:
        try:
            code = command()
            if code != INTERRUPTED:
                return code
            stopped = met[-1] if met else KeyboardInterrupt()  # typer has caught it
            return _stopped(stopped, INTERRUPTION)
        except KeyboardInterrupt as stopped:
            return _stopped(stopped, INTERRUPTION)
        except UserError as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                return _stopped(error.__context__, str(error))
            return f"lcgan: {error}"
        except BrokenPipeError:  # as `lcgan status | head -1`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return signals.NOBODY_READS
        except OSError as error:
            if memory_is_full(error):
                return NO_MEMORY
            what = " ".join(str(part) for part in (error.filename, error.strerror) if part)
            return f"lcgan: {UserError(what or error)}; correct this and run the command again."
        except Exception as error:
            if type(error).__name__ == "Abort":  # typer's errors have no common class
                return _stopped(met[-1] if met else KeyboardInterrupt(), INTERRUPTION)
            return _other(error)


def _stopped(by: KeyboardInterrupt, sentence: str) -> int:
    print(f"lcgan: {sentence}", file=sys.stderr)
    return signals.exit_code(by)


def _other(error: Exception) -> int | str:
    if memory_is_full(error):
        return NO_MEMORY
    if not hasattr(error, "format_message"):
        raise error
    said = UserError(" ".join(error.format_message().split()))
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "lcgan"
    print(f"lcgan: {said}\nSee `{path} --help`.", file=sys.stderr)
    return USAGE
