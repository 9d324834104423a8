"""Folder lines (`wav:DIR`, `pcap:DIR`): each recording dropped there is taken once, rules included.

Reading is the work of a process of its own, at low priority, so that an hour of capture never
makes a kiss-off late, and a file that kills its reader kills nothing else. What it heard is stored
in one transaction together with the file's digest: a crash takes all of it or none.

A file that says it holds no call has been read; a reader that fails has read nothing, and is asked
again. If it goes on failing the recording is an unknown emergency, so that a person listens to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from decoder.exchange import Format
from decoder.frame import Frame, Reason, Rejected
from drivers.folder import Arrival, CallAudio, Folder, UnreadableAudio, read_capture
from receiver.clock import SECOND_US
from receiver.errors import StoreUnavailable
from receiver.event import Draft, Record
from receiver.formats import served
from receiver.intake import drafts, receptions
from receiver.intake.daemon import Intake, Part
from receiver.intake.drafts import CallId
from receiver.intake.recordings import Direction, Transcript, transcribe
from receiver.intake.signals import SAMPLE_US, Answered
from receiver.intake.supervision import LineWatch
from receiver.journal.store import Transaction
from receiver.priority import go_behind

SCAN_S: Final = 1.0
READ_S_MAX: Final = 600.0
ANSWER_BYTES_MAX: Final = 1 << 26
AGAIN_AFTER_S: Final = (2, 10, 60)  # a failed reader is asked again; then the recording is an unknown emergency
HEAD: Final = 12  # so much of a digest names a file in the log; its name may name a person
NICENESS: Final = 10
VOICE_LEAST: Final = 3_200  # 400 ms, as on a live call
WHY: Final = "a recording"
REJECTED_MAX: Final = 50
SUFFIXES: Final = {"wav": (".wav", ".wave"), "pcap": (".pcap", ".pcapng", ".cap")}


@dataclass(frozen=True, slots=True)
class ReadCall:
    """One call of a file, as the reader heard it."""

    transcript: Transcript
    caller: str | None
    called: str | None
    started_utc_us: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A recording that could not be read yet. due_us: when it is tried again (monotonic)."""

    arrival: Arrival
    failures: int = 0
    due_us: int = 0


class ReaderFailed(Exception):
    """Nobody knows what is in the file. The text is one plain line."""


def watcher(line: str, scheme: str, address: str) -> Part:
    """A part of the intake that watches this folder."""
    return lambda intake: _Watcher(line, Folder(Path(address), SUFFIXES[scheme]), intake).run()


@dataclass(slots=True)
class _Watcher:
    line: str
    folder: Folder
    intake: Intake
    reader: asyncio.subprocess.Process | None = None
    waiting: list[Waiting] = field(default_factory=list)

    async def run(self) -> None:
        watch = self.intake.links.setdefault(self.line, LineWatch(self.line))
        try:
            while True:
                now = self.intake.clock.now()
                try:
                    arrivals = await asyncio.to_thread(self.folder.scan, now.mono_us)
                    watch.spoke(now.mono_us)
                    self._note(watch.healed())
                except OSError as error:
                    arrivals = []
                    self._note(watch.failed(f"the folder cannot be read: {error.strerror}"))
                due = [waiting for waiting in self.waiting if waiting.due_us <= now.mono_us]
                self.waiting = [waiting for waiting in self.waiting if waiting.due_us > now.mono_us]
                for waiting in [*(Waiting(arrival) for arrival in arrivals), *due]:
                    await self._take(waiting)
                if not arrivals and not due:
                    self._dismiss()
                await asyncio.sleep(SCAN_S)
        finally:
            reader = self.reader
            self._dismiss()
            if reader is not None:
                await reader.wait()

    def _note(self, happened: Sequence[Draft]) -> None:
        for draft in happened:
            self.intake.note(draft)

    async def _take(self, waiting: Waiting) -> None:
        """Take the recording if it was not taken before. Raises StoreUnavailable."""
        arrival = waiting.arrival
        try:
            source = arrival.sha256 or await asyncio.to_thread(_digest_of, arrival)
            known = self.intake.journal.submit(lambda tx: receptions.taken(tx, source))
            if (await asyncio.wrap_future(known)).value:
                return
            calls, problem = await self._read(arrival.path)
            self._store(replace(waiting, arrival=replace(arrival, sha256=source)), calls, problem)
        except StoreUnavailable:
            raise
        except Exception as error:  # of this recording alone, and whatever it is: the others are taken
            self._failed(waiting, str(error) if isinstance(error, ReaderFailed | OSError) else repr(error))

    def _failed(self, waiting: Waiting, why: str) -> None:
        """Once more, later; in the end somebody must listen to it."""
        arrival, failures = waiting.arrival, waiting.failures
        source = arrival.sha256 or self.intake.keys.digest("file", _state_of(arrival.path))
        said = f"alarm: {self.line}: recording {source[:HEAD]}: cannot be read: {why}"
        if failures < len(AGAIN_AFTER_S):
            due_us = self.intake.clock.now().mono_us + AGAIN_AFTER_S[failures] * SECOND_US
            self.waiting.append(Waiting(arrival, failures + 1, due_us))
            self.intake.report(f"{said}; tried again in {AGAIN_AFTER_S[failures]} s")
            return
        self.intake.report(f"{said}; given up")
        unread = unread_drafts(CallId(self.intake.keys.random_subject(), self.line), source, self._now_us())
        taken = self._taken(arrival.path.name, source, (), f"cannot be read: {why}")
        self.intake.submit(lambda tx: store(tx, [unread], taken), lambda committed: None)

    def _store(self, waiting: Waiting, calls: Sequence[ReadCall], problem: str | None) -> None:
        source, number, digest = waiting.arrival.sha256, self.intake.keys.random_subject, self.intake.keys.digest
        heard = [drafts_of(CallId(number(), self.line), call, source, self._now_us(), digest) for call in calls]
        made = [replace(one, drafts=tuple(map(self._looked_up, one.drafts))) for one in heard]
        taken = self._taken(waiting.arrival.path.name, source, calls, problem)

        def failed() -> None:
            self._failed(waiting, "what was read could not be stored")

        self.intake.submit(lambda tx: store(tx, made, taken), lambda committed: None, failed)

    def _taken(self, name: str, source: str, calls: Sequence[ReadCall], problem: str | None) -> Draft:
        return drafts.recording_taken(
            CallId(self.intake.keys.random_subject(), self.line),
            name,
            sha256=source,
            frames=sum(len(call.transcript.frames) for call in calls),
            rejected=sum(len(call.transcript.rejected) for call in calls),
            problem=problem,
        )

    def _looked_up(self, draft: Draft) -> Draft:
        return drafts.looked_up(draft, self.intake.directory)

    def _now_us(self) -> int:
        return self.intake.clock.now().utc_us

    # ── the reader ────────────────────────────────────────────────────────────────────────────

    async def _read(self, path: Path) -> tuple[list[ReadCall], str | None]:
        """What the reader makes of a file, and what it says is wrong with it. Raises ReaderFailed: nobody knows."""
        try:
            async with asyncio.timeout(READ_S_MAX):
                answer = await self._ask(path)
            if (failure := answer.get("failure")) is not None:
                raise ReaderFailed(failure)
            return [_call_from(call) for call in answer["calls"]], answer["problem"]
        except (OSError, ValueError, KeyError, TypeError, TimeoutError) as error:
            self._dismiss()
            raise ReaderFailed(f"the reader gave up ({str(error) or type(error).__name__})") from error

    async def _ask(self, path: Path) -> dict[str, Any]:
        settings = self.intake.settings
        if self.reader is None or self.reader.returncode is not None:
            self.reader = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "receiver.intake.folder_daemon",
                *(settings.handshakes or (known.name for known in settings.call.formats)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=ANSWER_BYTES_MAX,
            )
        assert self.reader.stdin is not None
        assert self.reader.stdout is not None
        self.reader.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
        await self.reader.stdin.drain()
        line = await self.reader.stdout.readline()
        if not line:
            raise ValueError("it died")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _dismiss(self) -> None:
        if self.reader is not None and self.reader.returncode is None:
            with suppress(ProcessLookupError):
                self.reader.kill()
        self.reader = None


# ── what is stored ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CallDrafts:
    """The drafts of one recorded call; `repeats` names, for some, the place of the reception they repeat."""

    drafts: tuple[Draft, ...]
    repeats: dict[int, int]


def drafts_of(
    identity: CallId, call: ReadCall, source: str, heard_by_us: int, digest: Callable[[str, str], str]
) -> CallDrafts:
    """A recorded call in the words of the journal."""
    said, started = call.transcript, call.started_utc_us
    withheld = call.caller if call.caller and len(call.caller) == 1 and call.caller in "PCOS" else None
    caller = None if withheld else call.caller
    answered = Answered(caller, call.called, withheld, digest("phone", caller) if caller else None)
    made = [drafts.call_started(identity, answered)]
    made += [drafts.frame_rejected(identity, rejected) for rejected in said.rejected[:REJECTED_MAX]]
    if len(said.rejected) > REJECTED_MAX:
        made.append(drafts.call_overflow(identity, "rejected", REJECTED_MAX))
    first, repeats = len(made), {}
    for place, (frame, earlier) in enumerate(said.frames):
        heard_at_us = heard_by_us if started is None else started + frame.end * SAMPLE_US
        made.append(
            drafts.frame_accepted(
                identity,
                frame,
                heard_at_us=heard_at_us,
                withheld_because=WHY,
                caller_digest=answered.caller_digest,
                source=source,
            )
        )
        if earlier is not None:
            repeats[first + place] = first + earlier
    if not said.frames and (said.digits or said.voiced >= VOICE_LEAST):
        best = max((rejected.best for rejected in said.rejected), key=len, default=None)
        kind = "unreadable" if said.digits else "voice"
        heard_at_us = heard_by_us if started is None else started
        made.append(
            drafts.call_unknown(
                identity, kind, best, heard_at_us=heard_at_us, caller_digest=answered.caller_digest, source=source
            )
        )
    made.append(
        drafts.call_ended(
            identity,
            "end of the recording",
            frames=len(said.frames),
            rejected=len(said.rejected),
            voice=said.voiced >= VOICE_LEAST,
        )
    )
    return CallDrafts(tuple(made), repeats)


def unread_drafts(identity: CallId, source: str, heard_at_us: int) -> CallDrafts:
    """A recording that its reader never came through: an unknown emergency (flows I10)."""
    unknown = drafts.call_unknown(identity, "unreadable", None, heard_at_us=heard_at_us, source=source)
    ended = drafts.call_ended(identity, "the recording could not be read")
    return CallDrafts((drafts.call_started(identity, Answered()), unknown, ended), {})


def store(tx: Transaction, calls: Sequence[CallDrafts], taken: Draft) -> list[Record]:
    """Everything a file brought, and that it was taken; nothing if its content was taken before."""
    if receptions.taken(tx, str(taken.payload["sha256"])):
        return []
    stored: list[Record] = []
    for call in calls:
        records: list[Record] = []
        for place, draft in enumerate(call.drafts):
            earlier = call.repeats.get(place)
            linked = draft if earlier is None else _linked(draft, records[earlier].seq)
            records.append(tx.append(linked))
        stored += records
    return [*stored, tx.append(taken)]


def _digest_of(arrival: Arrival) -> str:
    """Of the content of a file that could not be read when it arrived. Raises ReaderFailed."""
    try:
        with arrival.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReaderFailed(error.strerror or "the disk does not give it") from error


def _state_of(path: Path) -> str:
    """Name and time of change: all there is to know a file by whose content nobody can read."""
    with suppress(OSError):
        return f"{path.name} {path.stat().st_mtime_ns}"
    return path.name


def _linked(draft: Draft, earlier: int) -> Draft:
    return Draft(draft.type, {**draft.payload, "duplicate_of": earlier}, draft.subject, draft.actor, draft.version)


# ── the reader's process ──────────────────────────────────────────────────────────────────────


def _read_one(path: Path, formats: Sequence[Format]) -> dict[str, Any]:
    try:
        calls = read_capture(path)
    except UnreadableAudio as error:
        return {"calls": [], "problem": str(error)}
    except OSError as error:
        return {"failure": error.strerror or "the disk does not give it"}
    problem = next((call.problem for call in calls if call.problem), None)
    return {"calls": [_call_to(call, formats) for call in calls], "problem": problem}


def _call_to(call: CallAudio, formats: Sequence[Format]) -> dict[str, Any]:
    directions = [Direction(channel.name, channel.samples, channel.events) for channel in call.channels]
    said = transcribe(directions, formats)
    return {
        "caller": call.caller,
        "called": call.called,
        "started_utc_us": call.started_utc_us,
        "frames": [[asdict(frame), earlier] for frame, earlier in said.frames],
        "rejected": [{**asdict(rejected), "reason": rejected.reason.value} for rejected in said.rejected],
        "digits": said.digits,
        "voiced": said.voiced,
    }


def _call_from(told: dict[str, Any]) -> ReadCall:
    frames = tuple(
        (Frame(**{**fields, "recovered": tuple(fields["recovered"])}), earlier) for fields, earlier in told["frames"]
    )
    rejected = tuple(Rejected(**{**fields, "reason": Reason(fields["reason"])}) for fields in told["rejected"])
    transcript = Transcript(frames, rejected, told["digits"], told["voiced"])
    return ReadCall(transcript, told["caller"], told["called"], told["started_utc_us"])


def main() -> None:
    """The reader: a path on each line of stdin, an answer on each line of stdout, until stdin ends."""
    go_behind()
    os.nice(NICENESS)
    formats = served(sys.argv[1:])
    for line in sys.stdin:
        answer = _read_one(Path(json.loads(line)), formats)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
