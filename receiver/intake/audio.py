"""Recordings of calls as files: one thread writes them, so that a slow disk never holds up a line.

The sound is sealed by `recorder.py`; here it is only appended, synced at the end of the call, and
reported. A file that cannot be written is said once; the call itself goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from decoder import synth
from decoder.exchange import ToneStep
from decoder.samples import Samples
from receiver.intake.drafts import CallId
from receiver.intake.recorder import SUFFIX, Recorder

WAITING_MAX: Final = 4_000  # writes in the queue: 8 lines, four minutes of a dead disk

Stored = Callable[[CallId, str, int, str], None]
"""Called with (call and line, file name, samples, sha256) once a recording is on disk."""


@dataclass(slots=True)
class _Tape:
    """The recording of one call."""

    identity: CallId
    path: Path
    recorder: Recorder
    steps: dict[int, tuple[ToneStep, ...]] = field(default_factory=dict)
    broken: bool = False


class AudioFiles:
    """The recordings of all lines. Every method but `close` returns at once."""

    def __init__(
        self,
        folder: Path,
        key: Callable[[str], bytes | None],
        entropy: Callable[[int], bytes],
        stored: Stored,
        report: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._key, self._entropy = key, entropy
        self._stored, self._report = stored, report
        self._tapes: dict[str, _Tape] = {}
        self._waiting = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audio")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, line: str, call: str) -> None:
        """A call begins on `line`."""
        self.end(line)
        recorder = Recorder(call, lambda: self._key(call), self._entropy)
        self._tapes[line] = _Tape(CallId(call, line), self._folder / f"{call}{SUFFIX}", recorder)

    def heard(self, line: str, sound: Samples) -> None:
        if tape := self._tapes.get(line):
            self._write(tape, tape.recorder.heard(sound))

    def will_play(self, line: str, token: int, steps: tuple[ToneStep, ...]) -> None:
        if tape := self._tapes.get(line):
            tape.steps = {token: steps}

    def play_started(self, line: str, token: int, at: int) -> None:
        tape = self._tapes.get(line)
        if tape is not None and token in tape.steps:
            tape.recorder.played(at, synth.steps(tape.steps.pop(token)))

    def cut(self, line: str, at: int) -> None:
        if tape := self._tapes.get(line):
            tape.recorder.cut(at)

    def end(self, line: str) -> None:
        """The call on `line` is over."""
        tape = self._tapes.pop(line, None)
        if tape is not None:
            self._write(tape, tape.recorder.finish())
            self._queue(lambda: self._finish(tape))

    def close(self) -> None:
        """End every recording and wait until all is written."""
        for line in list(self._tapes):
            self.end(line)
        self._writer.shutdown()

    def _write(self, tape: _Tape, data: bytes) -> None:
        if data and not tape.broken:
            if self._waiting >= WAITING_MAX:
                tape.broken = True
                self._report(f"alarm: recording of call {tape.identity.call} ends: the disk does not keep up")
                return
            self._queue(lambda: self._append(tape, data))

    def _queue(self, work: Callable[[], None]) -> None:
        self._waiting += 1

        def counted() -> None:
            try:
                work()
            finally:
                self._waiting -= 1

        self._writer.submit(counted)

    # ── on the writer's thread ────────────────────────────────────────────────────────────────

    def _append(self, tape: _Tape, data: bytes) -> None:
        try:
            descriptor = os.open(tape.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            tape.broken = True
            self._report(f"alarm: recording of call {tape.identity.call} ends: {error.strerror}")

    def _finish(self, tape: _Tape) -> None:
        if tape.broken or not tape.path.exists():
            return
        try:
            descriptor = os.open(tape.path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._report(f"alarm: recording of call {tape.identity.call} may be lost: {error.strerror}")
            return
        self._stored(tape.identity, tape.path.name, tape.recorder.samples, tape.recorder.sha256)
