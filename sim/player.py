"""A recording plays the unit: on one end of a loopback line, with the intake as in service on the other.

It answers, greets, decodes, stores and kisses off. Time is the sample clock's, so an hour takes
seconds; the journal's answers are waited for with the clock standing still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from decoder.detector import detect_batch
from decoder.samples import RATE_HZ, Samples, Span, from_ms
from decoder.symbols import Digit
from drivers.call_audio import CallAudio
from drivers.line import Heard, LineInput
from drivers.loopback import Loopback
from receiver.clock import clock_from_environment
from receiver.commands.intake import settings_of
from receiver.config import default, load
from receiver.errors import BadInput
from receiver.installation import Installation
from receiver.intake.daemon import Intake, serve
from receiver.journal.reader import Reader
from sim.line import BadLine, Impairments
from sim.panel import SECOND_HZ
from sim.phone import Ear, ToneEnded

BLOCK: Final = 160
LEAD: Final = from_ms(275)  # from the end of the handshake to the first digit, as units wait
TAIL: Final = 3 * RATE_HZ  # of silence behind the recording, for the kiss-off
PATIENCE: Final = 20 * RATE_HZ  # without a handshake: then it is played all the same
CALL_MAX: Final = 3_600 * RATE_HZ
RECEPTIONS: Final = ("frame.accepted", "call.unknown")


@dataclass(frozen=True, slots=True)
class Choice:
    """How to play. channel: None for the direction with most digits; as_recorded: from the answer on, untouched."""

    through: Impairments
    line: str = "replay:line"
    channel: str | None = None
    caller: str | None = None
    as_recorded: bool = False
    seed: int = 1


def replay_call(
    installation: Installation, call: CallAudio, choice: Choice, report: Callable[[str], None]
) -> dict[str, Any]:
    """Play one call into the intake of `installation`; returns what its journal says of it.

    Raises StoreUnavailable if another process is writing there.
    """
    sound = _sound(call, choice.channel)
    config = load(installation.config) if installation.config else default(installation.data)
    both = Loopback(near=choice.line)
    player = Player(both, sound, choice)
    before = _head(installation)
    asyncio.run(serve(installation, settings_of(config), [both.near], clock_from_environment(), report, player.drive))
    reader = Reader(installation.intake_db)
    try:
        records = reader.after(before, limit=100_000)
    finally:
        reader.close()
    return {
        "receptions": [record.seq for record in records if record.type in RECEPTIONS],
        "frames": sum(record.type == "frame.accepted" for record in records),
        "rejected": sum(record.type == "frame.rejected" for record in records),
        "kissed_off": sum(record.type == "kissoff.completed" for record in records),
    }


class Player:
    """The far end: it dials, waits for the handshake, plays, and hangs up some time after the end."""

    def __init__(self, both: Loopback, sound: Samples, choice: Choice) -> None:
        self._both, self._choice = both, choice
        self._line = BadLine(choice.through, np.random.default_rng(choice.seed))
        self._ear = Ear()
        self._greeted = choice.as_recorded
        self._at = 0 if choice.as_recorded else max(0, _first_digit(sound) - LEAD)
        self._sound = sound

    async def drive(self, intake: Intake) -> None:
        """One call from dialling to hang-up; then the intake is told to stop."""
        both = self._both
        both.far.attach(self._hear)
        await asyncio.sleep(0)  # the near end is attached by then
        both.far.dial(self._choice.caller)
        await _settled(intake)
        end = len(self._sound.pcm) + TAIL
        while both.connected and both.at < CALL_MAX and self._at < end:
            both.far.say(self._line.feed(self._next(both.at)))
            both.advance(BLOCK)
            await _settled(intake)
        both.far.hang_up()
        await _settled(intake)
        intake.stop.set()
        await asyncio.Event().wait()  # the others end first

    def _hear(self, happened: LineInput) -> None:
        if isinstance(happened, Heard):
            heard = self._ear.feed(happened.samples.pcm)
            self._greeted |= any(isinstance(tone, ToneEnded) and tone.hz == SECOND_HZ for tone in heard)

    def _next(self, now: int) -> Samples:
        """What the far end says next: nothing before the handshake, then the recording, then nothing."""
        if not self._greeted and now < PATIENCE:
            return Samples(now, np.zeros(BLOCK, np.int16))
        first = self._at
        self._at += BLOCK
        pcm = np.zeros(BLOCK, np.int16)
        part = self._sound.pcm[first : first + BLOCK]
        pcm[: len(part)] = part
        begins = self._sound.start + first
        lost = [Span(max(span.start, begins), min(span.end, begins + BLOCK)) for span in self._sound.lost
                if span.start < begins + BLOCK and span.end > begins]  # fmt: skip
        return Samples(now, pcm, tuple(Span(span.start - begins + now, span.end - begins + now) for span in lost))


async def _settled(intake: Intake) -> None:
    """Until the journal has answered: a replay must not outrun the disk."""
    await asyncio.sleep(0)
    while not intake.settled:
        await asyncio.sleep(0.0005)


def _sound(call: CallAudio, channel: str | None) -> Samples:
    """The direction to be played. Raises BadInput if there is none of that name."""
    channels = [one for one in call.channels if channel is None or one.name == channel]
    if not channels:
        raise BadInput(f"no direction {channel!r}; there are: {', '.join(one.name for one in call.channels)}")
    heard = detect_batch([one.samples for one in channels])
    digits = [sum(isinstance(symbol, Digit) for symbol in symbols) for symbols in heard]
    return channels[digits.index(max(digits))].samples


def _first_digit(sound: Samples) -> int:
    """Samples from the beginning of the recording to its first digit; 0 if there is none."""
    (symbols,) = detect_batch([sound])
    return next((symbol.start - sound.start for symbol in symbols if isinstance(symbol, Digit)), 0)


def _head(installation: Installation) -> int:
    if not installation.intake_db.exists():
        return 0
    reader = Reader(installation.intake_db)
    try:
        return reader.head()[0]
    finally:
        reader.close()
