"""Which stretches of a call a picture shows: where something was heard, messages before single tones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from decoder.frame import Frame, Rejected
from decoder.samples import RATE_HZ, Span
from decoder.symbols import Tone
from receiver.commands.decoded import Finding
from receiver.commands.inspection.heard import HeardCall

WHOLE: Final = 30 * RATE_HZ  # a call no longer than this is shown as it is
AROUND: Final = RATE_HZ // 2  # before and behind what was heard
NEAR: Final = 2 * RATE_HZ  # a shorter silence is not left out


def stretches(call: HeardCall, bound: int, *, all_of_it: bool) -> list[Span]:
    """Parts of a call in the order of time, together at most `bound` samples; `all_of_it`: silence too."""
    part = call.part
    found = [one for channel in call.channels for one in channel.findings]
    if all_of_it or len(part) <= WHOLE or not found:
        return [Span(part.start, min(part.end, part.start + (bound if found else min(bound, WHOLE))))]
    chosen: list[Span] = []
    for rank in sorted({_rank(one) for one in found}):
        around = [_around(one, part) for one in found if _rank(one) <= rank]
        together = _joined(around)
        if sum(map(len, together)) > bound:
            return chosen or _bounded(together, bound)
        chosen = together
    return chosen


def _rank(finding: Finding) -> int:
    match finding.value:
        case Frame():
            return 0
        case Rejected():
            return 1
        case Tone():
            return 3
        case _:
            return 2


def _around(finding: Finding, part: Span) -> Span:
    start = max(finding.value.start - AROUND, part.start)
    return Span(start, max(min(finding.value.end + AROUND, part.end), start))


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start - joined[-1].end < NEAR:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _bounded(spans: Iterable[Span], bound: int) -> list[Span]:
    """The first `bound` samples of them."""
    kept: list[Span] = []
    for span in spans:
        if bound <= 0:
            break
        kept.append(Span(span.start, min(span.end, span.start + bound)))
        bound -= len(kept[-1])
    return kept
