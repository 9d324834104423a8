"""A bad telephone line: level, noise, hum, clicks, echo, lost packets. Pure; the generator is handed in.

Blocks in, blocks of the same length out, and the same result however the sound was cut: every
effect is a function of the sample count or of its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.samples import FULL_SCALE, I16, RATE_HZ, Samples, Span, from_ms, peak_of

PACKET: Final = from_ms(20)
ECHO_MS_MAX: Final = 1000
NOMINAL_DBM0: Final = -10.0  # the level that signal-to-noise ratios refer to: each tone of a digit as units send it


@dataclass(frozen=True, slots=True)
class Impairments:
    """What the line does. All zero, or None: nothing.

    noise_snr_db   white noise so far below two tones of `NOMINAL_DBM0`; noise_dbm0: its level instead
    loss_percent   of packets of 20 ms lost, in bursts of `loss_burst` on average
    echo_db        level of what comes back, against the sound (negative), after `echo_ms`
    clicks_a_minute  short spikes; hum_dbm0: 50 Hz and its harmonics; gain_db: for all sound
    """

    noise_snr_db: float | None = None
    noise_dbm0: float | None = None
    loss_percent: float = 0
    loss_burst: float = 1
    echo_db: float | None = None
    echo_ms: float = 20
    clicks_a_minute: float = 0
    hum_dbm0: float | None = None
    gain_db: float = 0

    @staticmethod
    def parse(text: str) -> Impairments:
        """`noise=20,loss=1,echo=-12/20,gain=-6,hum=-30,clicks=10`, in any order; empty: a perfect line.

        noise=DB below the digits, or noise=-40dBm0 · loss=PERCENT[/BURST] · echo=DB/MS. ValueError in one line.
        """
        result = Impairments()
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, equals, value = part.partition("=")
            if not equals or name not in _PARSERS:
                raise ValueError(f"not an impairment: {part!r} (known: {', '.join(_PARSERS)}; for example noise=20)")
            try:
                result = replace(result, **_numbers(name, value))
            except ValueError as error:
                raise ValueError(f"{part}: {error}") from None
        return result

    def __post_init__(self) -> None:
        for field in fields(self):
            value: float | None = getattr(self, field.name)
            if value is not None and not -200 <= value <= 100_000:
                raise ValueError(f"{value} is out of all proportion")
        if max(self.gain_db, self.echo_db or 0) > 100:
            raise ValueError("no line amplifies by more than 100 dB")
        if not 0 <= self.loss_percent <= 100 or self.loss_burst < 1:
            raise ValueError("loss is a percentage from 0 to 100, its bursts are of at least 1 packet")
        if not 0 <= self.echo_ms <= ECHO_MS_MAX:
            raise ValueError(f"echo comes after 0 to {ECHO_MS_MAX} ms")
        if self.clicks_a_minute < 0:
            raise ValueError("clicks cannot be fewer than none")


_PARSERS: Final[dict[str, tuple[str, ...]]] = {
    "noise": ("noise_snr_db",),
    "loss": ("loss_percent", "loss_burst"),
    "echo": ("echo_db", "echo_ms"),
    "clicks": ("clicks_a_minute",),
    "hum": ("hum_dbm0",),
    "gain": ("gain_db",),
}


def _numbers(name: str, value: str) -> dict[str, float]:
    if name == "noise" and value.lower().endswith("dbm0"):
        return {"noise_dbm0": _number(value[:-4])}
    parts = value.split("/")
    if len(parts) > len(_PARSERS[name]):
        raise ValueError("too many numbers")
    return {field: _number(part) for field, part in zip(_PARSERS[name], parts, strict=False)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


class BadLine:
    """One direction of a line. Feed it consecutive samples."""

    def __init__(self, impairments: Impairments, rng: np.random.Generator) -> None:
        self._what = impairments
        self._noise, self._losses, self._clicks = rng.spawn(3)
        self._tail = np.zeros(from_ms(impairments.echo_ms))  # sound that will come back
        self._packets: dict[int, tuple[bool, int | None]] = {}  # number → lost?, where it clicks
        self._drawn: int | None = None  # the last packet that was drawn
        self._losing = False

    def feed(self, samples: Samples) -> Samples:
        """What the far end hears of these samples."""
        what, length = self._what, len(samples.pcm)
        sound = samples.pcm.astype(np.float64) * 10 ** (what.gain_db / 20)
        if what.echo_db is not None:
            joined = np.concatenate([self._tail, sound])
            self._tail = joined[length:]
            sound = sound + joined[:length] * 10 ** (what.echo_db / 20)
        sound += self._steady(samples.start, length)
        lost = self._packet_effects(samples.start, sound)
        pcm = np.clip(np.rint(sound), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)
        return Samples(samples.start, pcm, _joined((*samples.lost, *lost)))

    def _steady(self, start: int, length: int) -> NDArray[np.float64]:
        """Noise and hum for these sample counts."""
        what = self._what
        sound = np.zeros(length)
        if what.noise_snr_db is not None:
            sound += self._noise.standard_normal(length) * peak_of(NOMINAL_DBM0 - what.noise_snr_db)
        elif what.noise_dbm0 is not None:
            sound += self._noise.standard_normal(length) * peak_of(what.noise_dbm0) / np.sqrt(2)
        if what.hum_dbm0 is not None:
            turns = 2 * np.pi * 50 / RATE_HZ * np.arange(start, start + length)
            sound += peak_of(what.hum_dbm0) * (np.sin(turns) + 0.5 * np.sin(2 * turns) + 0.3 * np.sin(3 * turns))
        return sound

    def _packet_effects(self, start: int, sound: NDArray[np.float64]) -> list[Span]:
        """Clicks put in, lost packets silenced, in place; returns what was lost."""
        end = start + len(sound)
        lost = []
        for number in range(start // PACKET, -(-end // PACKET)):
            gone, click = self._packet(number)
            first, last = max(number * PACKET, start), min((number + 1) * PACKET, end)
            if click is not None and first <= click < last:
                sound[click - start] += FULL_SCALE / 2
            if gone:
                sound[first - start : last - start] = 0
                lost.append(Span(first, last))
        return lost

    def _packet(self, number: int) -> tuple[bool, int | None]:
        """What befalls packet `number`; drawn once each, in order."""
        if not self._what.loss_percent and not self._what.clicks_a_minute:
            return False, None
        if self._drawn is None:
            self._drawn = number - 1
        while self._drawn < number:
            self._drawn += 1
            self._packets = {self._drawn: (self._lose(), self._click(self._drawn))}
        return self._packets.get(number, (False, None))

    def _lose(self) -> bool:
        """Gilbert's two states: bursts of `loss_burst` packets on average, `loss_percent` of all lost."""
        share, stay = self._what.loss_percent / 100, 1 - 1 / self._what.loss_burst
        enter = share * (1 - stay) / (1 - share) if share < 1 else 1.0
        self._losing = bool(self._losses.random() < (stay if self._losing and share < 1 else enter))
        return self._losing

    def _click(self, number: int) -> int | None:
        at, chance = self._clicks.random(2)
        often = self._what.clicks_a_minute / 60 * PACKET / RATE_HZ
        return number * PACKET + int(at * PACKET) if chance < often else None


def line_of(text: str, seed: int) -> BadLine:
    """A line as `--through` names it."""
    return BadLine(Impairments.parse(text), np.random.default_rng(seed))


def through(line: BadLine, pcm: I16) -> Samples:
    """A whole recording through the line."""
    return line.feed(Samples(0, pcm))


def _joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Spans in order, touching and overlapping ones made one."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return tuple(result)
