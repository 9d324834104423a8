"""A recording plays the unit: on one end of a loopback line, with the intake as in service on the other.

It answers, greets, decodes, stores and kisses off. Time is the sample clock's, so an hour takes
seconds; the journal's answers are waited for with the clock standing still. The clocks of the intake,
wall clock and all, advance with the samples too: what its journal says about times is what a
telephone line would have made of them (`CallClock`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from decoder.detector import detect_batch
from decoder.registry import by_name
from decoder.samples import RATE_HZ, Samples, Span, from_ms
from decoder.symbols import Digit
from decoder.synth import dtmf
from decoder.voice import Voice
from drivers.call_audio import CallAudio, Channel
from drivers.line import Heard, LineInput
from drivers.loopback import Loopback
from receiver.clock import Now, clock_from_environment
from receiver.commands.intake import settings_of
from receiver.config import default, load
from receiver.errors import BadInput
from receiver.installation import Installation
from receiver.intake.daemon import Intake, serve
from receiver.intake.recordings import Direction, transcribe
from receiver.intake.signals import SAMPLE_US
from receiver.journal.reader import Reader
from sim.line import BadLine, Impairments
from sim.panel import SECOND_HZ
from sim.phone import Ear, ToneEnded

BLOCK: Final = 160
LEAD: Final = from_ms(275)  # from the end of the handshake to the first digit, as units wait
TAIL: Final = 3 * RATE_HZ  # of silence behind the recording, for the kiss-off
PATIENCE: Final = 20 * RATE_HZ  # without a handshake: then it is played all the same
CALL_MAX: Final = 3_600 * RATE_HZ
VOICE_LEAST: Final = from_ms(400)  # less is a click
GREETING: Final = 5 * RATE_HZ  # from answer to the end of the handshake, at most as a rule
RECEPTIONS: Final = ("frame.accepted", "call.unknown")


@dataclass(frozen=True, slots=True)
class Choice:
    """How to play. channel: None for the direction with most digits; as_recorded: from the answer on, untouched."""

    through: Impairments
    line: str = "replay:line"
    channel: str | None = None
    caller: str | None = None  # None: the one that the capture names
    as_recorded: bool = False
    seed: int = 1


@dataclass(frozen=True, slots=True)
class CallClock:
    """The clocks of a replayed call: `begin` when it rings, and from there on by the samples of the line."""

    both: Loopback
    begin: Now

    def now(self) -> Now:
        gone_us = self.both.at * SAMPLE_US
        return replace(self.begin, utc_us=self.begin.utc_us + gone_us, mono_us=self.begin.mono_us + gone_us)


def begin_of(calls: Sequence[CallAudio]) -> Now:
    """When the first of these calls must have begun, for the last one to be over about now."""
    longest = (max((len(one.samples.pcm) for one in call.channels), default=0) for call in calls)
    length_us = sum(samples + GREETING + TAIL for samples in longest) * SAMPLE_US
    now = clock_from_environment().now()
    return replace(now, utc_us=now.utc_us - length_us, mono_us=now.mono_us - length_us)


def replay_call(
    installation: Installation, call: CallAudio, choice: Choice, begin: Now, report: Callable[[str], None]
) -> dict[str, Any]:
    """Play one call into the intake of `installation`; returns what its journal says of it.

    begin: when it rings; later, if the journal has come further already.
    Raises StoreUnavailable if another process is writing there.
    """
    sound = _sound(call, choice.channel)
    config = load(installation.config) if installation.config else default(installation.data)
    both = Loopback(near=choice.line)
    player = Player(both, sound, choice if choice.caller else replace(choice, caller=call.caller))
    before, last_at_us = _head(installation)
    later_us = max(0, last_at_us - begin.utc_us)
    clock = CallClock(both, replace(begin, utc_us=begin.utc_us + later_us, mono_us=begin.mono_us + later_us))
    asyncio.run(serve(installation, settings_of(config), [both.near], clock, report, player.drive))
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
        self._at = 0 if choice.as_recorded else max(0, _first_sound(sound) - LEAD)
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
    """The direction to be played: the one with most to say. Raises BadInput if there is none of that name."""
    channels = [one for one in call.channels if channel is None or one.name == channel]
    if not channels:
        raise BadInput(f"no direction {channel!r}; there are: {', '.join(one.name for one in call.channels)}")
    if len(channels) > 1:
        channels.sort(key=_says)
    return _audible(channels[-1])


def _says(channel: Channel) -> tuple[int, int, int]:
    """Frames, digits and voice of a direction, as a folder line would hear them."""
    heard = transcribe((Direction(channel.name, channel.samples, channel.events),), (by_name("contact-id"),))
    return len(heard.frames), heard.digits, heard.voiced


def _audible(channel: Channel) -> Samples:
    """The sound of a direction, with its event digits where it has none of its own: so a gateway passes them on.

    Silence stands before it if its first digit would come too soon after our handshake.
    """
    sound = channel.samples
    pcm, told = sound.pcm.copy(), list[Span]()
    (symbols,) = detect_batch([sound])
    spoken = [symbol for symbol in symbols if isinstance(symbol, Digit)]
    for event in channel.events:
        start, end = max(event.start - sound.start, 0), min(event.end - sound.start, len(pcm))
        if not any(digit.start < event.end and event.start < digit.end for digit in spoken) and start < end:
            tone = dtmf(event.key, on_ms=(end - start) * 1000 / RATE_HZ, off_ms=0)
            pcm[start : start + len(tone)] = tone[: len(pcm) - start]
            told.append(Span(event.start, event.end))
    first = min((digit.start - sound.start for digit in (*spoken, *channel.events)), default=LEAD)
    quiet = max(0, LEAD - first)
    lost = tuple(
        Span(span.start + quiet, span.end + quiet)
        for span in sound.lost
        if not any(span.start < event.end and event.start < span.end for event in told)
    )
    return Samples(sound.start, np.concatenate([np.zeros(quiet, np.int16), pcm]), lost)


def _first_sound(sound: Samples) -> int:
    """Samples from the beginning of the recording to its first digit; without one, to its first voice; 0 without."""
    (symbols,) = detect_batch([sound])
    digit = next((symbol for symbol in symbols if isinstance(symbol, Digit)), None)
    if digit is not None:
        return digit.start - sound.start
    voice = Voice()
    spans = [*voice.feed(sound), *voice.finish()]
    said = next((span for span in spans if len(span) >= VOICE_LEAST), spans[0] if spans else Span(0, 0))
    return max(0, said.start - sound.start)


def _head(installation: Installation) -> tuple[int, int]:
    """Sequence number and time of the journal's last record; zeros without one."""
    if not installation.intake_db.exists():
        return 0, 0
    reader = Reader(installation.intake_db)
    try:
        seq = reader.head()[0]
        last = reader.record(seq)
        return seq, last.at_us if last else 0
    finally:
        reader.close()
