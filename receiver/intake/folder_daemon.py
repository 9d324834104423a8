"""Folder lines (`wav:DIR`, `pcap:DIR`): each recording dropped there is taken once, rules included.

Reading is the work of a process of its own, at low priority, so that an hour of capture never
makes a kiss-off late, and a file that kills its reader kills nothing else. What it heard is stored
in one transaction together with the file's digest: a crash takes all of it or none.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from decoder.frame import Frame, Reason, Rejected
from decoder.registry import by_name
from drivers.folder import Arrival, CallAudio, Folder, UnreadableAudio, read_capture
from receiver.event import Draft, Record
from receiver.intake import drafts, receptions
from receiver.intake.daemon import Intake, Part
from receiver.intake.drafts import CallId
from receiver.intake.recordings import Direction, Transcript, transcribe
from receiver.intake.signals import SAMPLE_US, Answered
from receiver.intake.supervision import LineWatch
from receiver.journal.store import Transaction

SCAN_S: Final = 1.0
READ_S_MAX: Final = 600.0
ANSWER_BYTES_MAX: Final = 1 << 26
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


def watcher(line: str, scheme: str, address: str) -> Part:
    """A part of the intake that watches this folder."""
    return lambda intake: _Watcher(line, Folder(Path(address), SUFFIXES[scheme]), intake).run()


@dataclass(slots=True)
class _Watcher:
    line: str
    folder: Folder
    intake: Intake
    reader: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        watch = LineWatch(self.line)
        try:
            while True:
                now = self.intake.clock.now()
                try:
                    arrivals = await asyncio.to_thread(self.folder.scan, now.mono_us)
                    self._note(watch.healed())
                except OSError as error:
                    arrivals = []
                    self._note(watch.failed(f"the folder cannot be read: {error.strerror}"))
                for arrival in arrivals:
                    await self._take(arrival)
                if not arrivals:
                    self._dismiss()
                await asyncio.sleep(SCAN_S)
        finally:
            self._dismiss()

    def _note(self, happened: Sequence[Draft]) -> None:
        for draft in happened:
            self.intake.note(draft)

    async def _take(self, arrival: Arrival) -> None:
        if arrival.problem is not None:
            self.intake.report(f"alarm: {self.line}: {arrival.path.name}: {arrival.problem}")
            return
        known = self.intake.journal.submit(lambda tx: receptions.taken(tx, arrival.sha256))
        if (await asyncio.wrap_future(known)).value:
            return
        calls, problem = await self._read(arrival.path)
        self._store(arrival, calls, problem)

    def _store(self, arrival: Arrival, calls: Sequence[ReadCall], problem: str | None) -> None:
        heard_by_us = self.intake.clock.now().utc_us
        number, digest = self.intake.keys.random_subject, self.intake.keys.digest
        made = [drafts_of(CallId(number(), self.line), call, arrival.sha256, heard_by_us, digest) for call in calls]
        taken = drafts.recording_taken(
            CallId(number(), self.line),
            arrival.path.name,
            sha256=arrival.sha256,
            frames=sum(len(call.transcript.frames) for call in calls),
            rejected=sum(len(call.transcript.rejected) for call in calls),
            problem=problem,
        )
        self.intake.submit(lambda tx: store(tx, made, taken), lambda committed: None)

    # ── the reader ────────────────────────────────────────────────────────────────────────────

    async def _read(self, path: Path) -> tuple[list[ReadCall], str | None]:
        """What the reader makes of a file; a reader that dies or hangs is a problem of this file alone."""
        try:
            async with asyncio.timeout(READ_S_MAX):
                answer = await self._ask(path)
        except (OSError, ValueError, TimeoutError) as error:
            self._dismiss()
            return [], f"cannot be read: the reader gave up ({str(error) or type(error).__name__})"
        if "problem" in answer and not answer["calls"]:
            return [], answer["problem"]
        return [_call_from(call) for call in answer["calls"]], answer["problem"]

    async def _ask(self, path: Path) -> dict[str, Any]:
        if self.reader is None or self.reader.returncode is not None:
            self.reader = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "receiver.intake.folder_daemon",
                *(known.name for known in self.intake.settings.call.formats),
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


def _linked(draft: Draft, earlier: int) -> Draft:
    return Draft(draft.type, {**draft.payload, "duplicate_of": earlier}, draft.subject, draft.actor, draft.version)


# ── the reader's process ──────────────────────────────────────────────────────────────────────


def _read_one(path: Path, formats: Sequence[str]) -> dict[str, Any]:
    try:
        calls = read_capture(path)
    except UnreadableAudio as error:
        return {"calls": [], "problem": str(error)}
    except OSError as error:
        return {"calls": [], "problem": f"cannot be read: {error.strerror}"}
    known = [by_name(name) for name in formats]
    problem = next((call.problem for call in calls if call.problem), None)
    return {"calls": [_call_to(call, known) for call in calls], "problem": problem}


def _call_to(call: CallAudio, formats: Sequence[Any]) -> dict[str, Any]:
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
    os.nice(NICENESS)
    for line in sys.stdin:
        answer = _read_one(Path(json.loads(line)), sys.argv[1:])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
