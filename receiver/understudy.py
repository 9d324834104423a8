"""A process that has loaded everything and waits, so that a part that dies is replaced at once.

Loading takes most of a start: half a second, during which a call is not answered. The supervisor keeps one understudy
of each part that has any, behind it in nothing but settings and store: those it opens at its cue. One that does not
come at its cue is killed, and the part starts as if there had been none.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from receiver.sockets import tell_service_manager

OPTION: Final = "--understudy"
CUE: Final = b"!"
COMES_WITHIN_S: Final = 2.0
PR_SET_NAME: Final = 15
WAITING: Final = "understudy"  # its name in the list of processes


@dataclass(slots=True)
class Understudies:
    """Those of one supervisor, by the name of their part."""

    _waiting: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def call(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """See to it that one waits; one that died is replaced. It may fail: then the part starts the long way."""
        waiting = self._waiting.get(name)
        if waiting is not None and waiting.returncode is None:
            return
        with suppress(OSError, RuntimeError):
            self._waiting[name] = await asyncio.create_subprocess_exec(*command, OPTION, env=environment, stdin=PIPE)

    def cue(self, name: str) -> asyncio.subprocess.Process | None:
        """The one that waits, told to begin; None if there is none."""
        process = self._waiting.pop(name, None)
        if process is None or process.returncode is not None or process.stdin is None:
            return None
        with suppress(OSError, RuntimeError):
            process.stdin.write(CUE)
            process.stdin.close()
            return process
        return None

    async def dismiss(self) -> None:
        """All of them leave."""
        for process in self._waiting.values():
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*(process.wait() for process in self._waiting.values()))
        self._waiting.clear()


def wait_for_cue(name: str) -> None:
    """In the understudy, with everything loaded: returns at the cue, as the part `name`; exits if none can come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for those on stage
    _call_ourselves(WAITING)
    if os.read(sys.stdin.fileno(), 1) != CUE:
        raise SystemExit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _call_ourselves(name)
    tell_service_manager("STATUS=begins")


def _call_ourselves(name: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())
