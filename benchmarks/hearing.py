"""One call, heard by every contestant: the product's hard digits, its whole pipeline, spandsp and multimon-ng.

The product is called as intake calls it: a `Detector` for the usual formats and a `Reading` of them that is told every
20 ms how far it has been heard. Sound is fed 200 ms at a time, which gives the same symbols as 20 ms in a fraction of
the CPU; `block=LIVE` feeds it as a line does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from decoder_peers import Multimon, Spandsp
from lines import Drawn, raw_of
from lines.panel import check_digit

from decoder.detector import Detector, detect_batch
from decoder.exchange import signals_of
from decoder.frame import Frame, Rejected
from decoder.reading import Reading, heard_before
from decoder.registry import USUAL
from decoder.samples import RATE_HZ, Samples, Span
from decoder.symbols import Digit

TICK = RATE_HZ // 50
LIVE = RATE_HZ // 50
BLOCK = RATE_HZ // 5
PAUSE = RATE_HZ // 2  # parts messages in what a detector of digits has heard
IN_TIME = RATE_HZ * 850 // 1000  # behind the last digit: by then the kiss-off must be ordered (intake's settings)
CERTAIN = 0.999  # as `row_decision.CERTAIN` has it
CONTACT_ID = "contact-id"


@dataclass
class Score:
    """Messages sent, and of them heard right by each; what was accepted and had not been sent."""

    sent: int = 0
    right: dict[str, int] = field(default_factory=dict)
    wrong: list[Frame] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)  # of the frames that were right
    raised: list[str] = field(default_factory=list)  # what no line may make us do
    rejected: int = 0
    wrong_spandsp: int = 0
    calls: int = 0
    made_s: float = 0  # CPU of the generator
    cpu_s: float = 0  # CPU of the product

    def add(self, other: Score) -> None:
        """Take in other calls."""
        self.sent += other.sent
        for name, count in other.right.items():
            self.right[name] = self.right.get(name, 0) + count
        self.wrong += other.wrong
        self.raised += other.raised
        self.rejected += other.rejected
        self.wrong_spandsp += other.wrong_spandsp
        self.confidences += other.confidences
        self.calls += other.calls
        self.made_s += other.made_s
        self.cpu_s += other.cpu_s

    def percent(self, name: str) -> float:
        """Of the messages sent, those that `name` heard right."""
        return 100 * self.right[name] / self.sent


def judged(call: Drawn, spandsp: Spandsp, multimon: Multimon | None, *, ours: bool = True, block: int = BLOCK) -> Score:
    """What each makes of `call`."""
    score = Score(len(call.messages), calls=1)
    if ours:
        _judge_ours(score, call, block)
    sent = {raw_of(keys) for keys in call.messages}
    theirs = spandsp.runs(call.samples.pcm, PAUSE)
    score.right["spandsp"] = sum(keys in theirs for keys in call.messages)
    score.wrong_spandsp = sum(_valid(keys) and raw_of(keys) not in sent for keys in theirs)
    if multimon is not None:
        text = multimon.keys(call.samples.pcm)
        score.right["multimon-ng"] = sum(keys in text for keys in call.messages)
    return score


def _judge_ours(score: Score, call: Drawn, block: int) -> None:
    runs = hard_runs(call.samples)
    score.right["hard"] = sum(keys in runs for keys in call.messages)
    begun = time.process_time()
    told: list[tuple[int, Frame | Rejected]] = []
    try:
        told = told_when(call.samples, block)
    except Exception as fault:  # a fault of ours is a finding, not the end of the campaign
        score.raised.append(repr(fault))
    score.cpu_s = time.process_time() - begun
    sent = {raw_of(keys) for keys in call.messages}
    results = [result for _, result in told]
    accepted = [result for result in results if isinstance(result, Frame)]
    right = [frame for frame in accepted if frame.format == CONTACT_ID and frame.raw in sent]
    score.right["frames"] = len({frame.raw for frame in right})
    score.right["in time"] = len(
        {frame.raw for at, frame in told if isinstance(frame, Frame) and frame in right and at <= frame.end + IN_TIME}
    )
    score.confidences = [frame.confidence for frame in right]
    score.wrong = [frame for frame in accepted if frame not in right]
    score.rejected = len(results) - len(accepted)


def heard(samples: Samples, block: int = BLOCK) -> list[Frame | Rejected]:
    """What the product makes of a call."""
    return [result for _, result in told_when(samples, block)]


def told_when(samples: Samples, block: int) -> list[tuple[int, Frame | Rejected]]:
    """The same, and the sample up to which the call had come when it was told."""
    detector, reading = Detector(signals_of(USUAL)), Reading(USUAL)
    results: list[tuple[int, Frame | Rejected]] = []
    now = fed = samples.start

    def tick(until: int) -> None:
        nonlocal now
        while now + TICK <= until:
            now += TICK
            results.extend((fed, result) for result in reading.tick(now))

    for piece in blocks(samples, block):
        fed = piece.end
        for symbol in detector.feed(piece):
            tick(heard_before(symbol))
            results.extend((fed, result) for result in reading.hear(symbol))
        tick(detector.heard_until)
    fed = samples.end + 10 * RATE_HZ  # what only the end of the call brings out is late
    for symbol in detector.finish():
        results.extend((fed, result) for result in reading.hear(symbol))
    results.extend((fed, result) for result in reading.tick(samples.end + 10 * RATE_HZ))
    return results


def blocks(samples: Samples, length: int) -> Iterator[Samples]:
    """A call in pieces, each with the losses in it."""
    for start in range(samples.start, samples.end, length):
        end = min(start + length, samples.end)
        lost = tuple(
            Span(max(span.start, start), min(span.end, end))
            for span in samples.lost
            if span.start < end and start < span.end
        )
        yield Samples(start, samples.pcm[start - samples.start : end - samples.start], lost)


def hard_runs(samples: Samples) -> list[str]:
    """The digits of the always-on bank, parted at long pauses."""
    runs, last = [""], samples.start
    for symbol in detect_batch([samples], with_tones=False)[0]:
        if isinstance(symbol, Digit):
            if symbol.start - last > PAUSE:
                runs.append("")
            runs[-1] += symbol.key
            last = symbol.end
    return runs


def _valid(keys: str) -> bool:
    """Whether a receiver that counts sixteen digits and sums them would accept these."""
    if len(keys) != 16 or "D" in keys[:15]:
        return False
    raw = raw_of(keys)
    return raw[4:6] in ("18", "98") and raw[6] in "136" and check_digit(raw[:15]) == raw[15]
