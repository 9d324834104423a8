"""Frames accepted that nobody sent: counted over a mixture of all axes at and beyond their limits.

Half of the callers are unknown to the receiver, and accounts stand one digit apart (`lines/campaign.py`), so that a
wrong digit is somebody else's alarm and not merely nobody's.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from decoder_peers import Spandsp
from hearing import CERTAIN, Score, judged
from lines import anything
from lines.sounds import speech

PIECE = 50
TOLD = 1000  # frames between two lines of progress
BANDS = (0.0, 0.5, 0.9, 0.95, 0.98, 0.995, CERTAIN, 0.9999)


@dataclass
class Piece:
    """Some calls of the campaign: their score, and of each wrong frame where to find it."""

    score: Score = field(default_factory=Score)
    wrong: list[tuple[int, str, float, str, str, str, float]] = field(default_factory=list)
    raised: list[tuple[int, str, float, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)  # by the first trouble's name
    right: Counter[str] = field(default_factory=Counter)


def heard_wrong(seed: int, first: int) -> Piece:
    """Calls `first` … `first + PIECE` of the campaign."""
    piece, spandsp = Piece(), Spandsp()
    for number in range(first, first + PIECE):
        name, value, call = anything(seed, number)
        score = judged(call, spandsp, None)
        piece.score.add(score)
        axis = name.partition(" + ")[0]
        piece.sent[axis] += score.sent
        piece.right[axis] += score.right["frames"]
        piece.raised += [(number, name, value, fault) for fault in score.raised]
        for frame in score.wrong:
            sent = " ".join(call.messages)
            piece.wrong.append((number, name, value, sent, frame.format, frame.raw, frame.confidence))
    return piece


def campaign(frames: int, seed: int, jobs: int) -> None:
    """Until so many messages have been sent; print progress, then what was accepted wrong."""
    speech(8000, np.random.default_rng(0))  # read once, before the workers are made
    total = Piece()
    print(f"at least {frames} messages; half of the callers unknown, accounts one digit apart\n", flush=True)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(heard_wrong, seed, n * PIECE) for n in range(2 * jobs)]
        began, told = len(waiting), 0
        while waiting:
            piece = waiting.pop(0).result()
            total.score.add(piece.score)
            total.wrong += piece.wrong
            total.raised += piece.raised
            total.sent.update(piece.sent)
            total.right.update(piece.right)
            if total.score.sent < frames:
                waiting.append(pool.submit(heard_wrong, seed, began * PIECE))
                began += 1
            if total.score.sent // TOLD > told:
                told = total.score.sent // TOLD
                print(_progress(total), flush=True)
    print()
    _report(total)


def _progress(total: Piece) -> str:
    certain = sum(confidence >= CERTAIN for *_, confidence in total.wrong)
    score = total.score
    ours = f"{score.right['frames']} accepted right, {len(total.wrong)} wrong, {certain} of them certain"
    theirs = f"spandsp {score.right['spandsp']} right, {score.wrong_spandsp} wrong"
    fell = f"; raised {len(total.raised)} times" if total.raised else ""
    return f"{score.sent} sent, {ours}; {theirs}{fell}"


def _report(total: Piece) -> None:
    print(f"**{_progress(total)}**\n")
    print("| confidence from | right | wrong |\n|---|---|---|")
    right = np.histogram(total.score.confidences, [*BANDS, 1.1])[0]
    wrong = np.histogram([confidence for *_, confidence in total.wrong], [*BANDS, 1.1])[0]
    for band, mine, other in zip(BANDS, right, wrong, strict=True):
        print(f"| {band:g} | {mine} | {other or ''} |")
    print("\n| number | trouble | value | sent | heard | confidence |\n|---|---|---|---|---|---|")
    for number, name, value, sent, of, raw, confidence in total.wrong:
        certain = " certain" if confidence >= CERTAIN else ""
        print(f"| {number} | {name} | {value:g} | {sent} | {of} {raw} | {confidence:.6f}{certain} |")
    if not total.wrong:
        print("| none | | | | | |")
    for number, name, value, fault in total.raised:
        print(f"\nraised at {number}, {name} {value:g}: {fault}")
    print("\naccepted right of those sent, by the first trouble:\n\n| trouble | sent | right % |\n|---|---|---|")
    for name in sorted(total.sent):
        print(f"| {name} | {total.sent[name]} | {100 * total.right[name] / total.sent[name]:.1f} |")
