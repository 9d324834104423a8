"""Sequential tones (STMF): the oldest units of the Tunstall family say a key's two frequencies one after the other.

    a key, e.g. 0     941 Hz 75 ms | 5 ms | 1336 Hz 75 ms | 115 ms        the low one first
    enquiry           the sequence 0, then 0 # as pairs (`tt92.py`): each kind of unit hears its own
    message           D # 22 digits, as TT92, in sequences                 6.5 s
    acknowledgement   B 0 as pairs

The digits, the check digits and what a frame holds are those of `tt92.py`. That a unit sends its whole message in
sequences, and how it is acknowledged, is one source's word and partly our reading of it: so the format is off until it
is asked for, though its messages carry a check. Times here are what units send; `Reader` takes 45 to 130 ms a tone.
(`bs8521.md` §8.)
"""

from __future__ import annotations

from functools import partial
from typing import Final

from decoder import synth
from decoder.exchange import Format, Message, Signal, ToneStep
from decoder.formats import tt92
from decoder.frame import Frame, Rejected
from decoder.keypad import HIGH_HZ, LOW_HZ, PAIRS
from decoder.runs import RunReader
from decoder.samples import I16, from_ms
from decoder.sequence import NAMED
from decoder.symbols import Digit, Gap, Symbol, Tone

NAME: Final = "stmf"
TONE_MS, BETWEEN_MS, PAUSE_MS = 75.0, 5.0, 115.0
BETWEEN_MAX: Final = from_ms(40)  # from the low tone to the high one
OVERLAP_MAX: Final = from_ms(10)  # how much earlier than the low one's end the high one may seem to begin
RUN_PAUSE: Final = from_ms(400)

_KEYS: Final = {pair: key for key, pair in PAIRS.items()}
_NAMES: Final = {f"{NAMED} {hz:.0f}": hz for hz in (*LOW_HZ, *HIGH_HZ)}


def key_steps(keys: str, level_dbm0: float = -10.0) -> tuple[ToneStep, ...]:
    """Keys as a unit says them."""
    steps: list[ToneStep] = []
    for low, high in (PAIRS[key] for key in keys):
        steps += [ToneStep((low,), TONE_MS, level_dbm0), ToneStep((), BETWEEN_MS)]
        steps += [ToneStep((high,), TONE_MS, level_dbm0), ToneStep((), PAUSE_MS)]
    return tuple(steps)


def send(message: Message) -> tuple[I16, ...]:
    """The sound of a message. Raises ValueError like `tt92.body`."""
    return (synth.steps(key_steps(tt92.encode(message))),)


class Reader:
    """Puts tones together to keys, low before high, and reads those as TT92. One without the other is an erasure."""

    def __init__(self) -> None:
        self._run = RunReader(partial(tt92.judge, name=NAME), pause=RUN_PAUSE)
        self._low: Tone | None = None

    @property
    def deadline(self) -> int | None:
        """When a low tone stays alone, or the run is over."""
        if self._low is not None:
            return self._low.end + BETWEEN_MAX + RUN_PAUSE
        return self._run.deadline

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a keypad tone or a gap; nothing else is ours."""
        if isinstance(symbol, Gap):
            return self._run.hear(symbol)
        if not isinstance(symbol, Tone) or symbol.name not in _NAMES:
            return []
        low, self._low = self._low, None
        if _NAMES[symbol.name] in LOW_HZ:
            self._low = symbol
            return self._alone(low)
        if low is not None and -OVERLAP_MAX <= symbol.start - low.end <= BETWEEN_MAX:
            return self._run.hear(_key(low, symbol))
        return self._alone(low) + self._alone(symbol)

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        if self._low is not None and at >= self._low.end + BETWEEN_MAX + RUN_PAUSE:
            low, self._low = self._low, None
            return self._alone(low) + self._run.tick(at)
        return [] if self._low is not None else self._run.tick(at)

    def _alone(self, tone: Tone | None) -> list[Frame | Rejected]:
        """Half a key is an erasure inside a run, and nothing outside."""
        if tone is None or self._run.deadline is None or tone.start >= self._run.deadline:
            return []
        return self._run.hear(Digit("0", tone.start, tone.end, tone.level_dbm0, 0.0, 0.0, confidence=0.0))


def _key(low: Tone, high: Tone) -> Digit:
    pair = _NAMES[low.name], _NAMES[high.name]
    offset = 50.0 * sum(tone.hz / hz - 1.0 for tone, hz in zip((low, high), pair, strict=True))
    return Digit(
        _KEYS[pair],
        low.start,
        high.end,
        (low.level_dbm0 + high.level_dbm0) / 2,
        high.level_dbm0 - low.level_dbm0,
        offset,
        min(low.confidence, high.confidence),
    )


FORMAT: Final = Format(
    NAME,
    greeting=(*key_steps("0", -11.0), *tt92.ENQUIRY),
    kiss_off=tt92.ACKNOWLEDGE,
    integrity=False,
    reader=Reader,
    encode=tt92.encode,
    signals=frozenset({Signal.SEQUENCE}),
    send=send,
)
