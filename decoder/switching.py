"""How unlike a key being pressed a run of windows is: a note, a syllable, a knock.

A key is switched: both tones are there at once, as loud as they stay, and gone at once, and what is beside them is no
louder than what is under them. Notes swell, waver and die away, one voice before the other, into the next note.
Each sign of that costs points; noise, echo and codecs cost some, too, so that it takes several.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.dtmf import AHEAD, BEHIND, HOPS_A_BLOCK, I64, KEY, PAIR, TONES, TOTAL, Windows
from decoder.samples import F32

F64 = NDArray[np.float64]

ODD_MAX: Final = 20.0  # points: what has more is no key …
ODD_ALONE_MAX: Final = 1.0  # … and neither is what has more than this and no other key near it
BESIDE_DB: Final = -8.0  # of the hops just outside, against the digit; a point for each dB beyond …
BESIDE_DB_MAX: Final = 6.0  # … up to so many
WAVER_DB: Final = -25.0  # how far a tone's amplitude varies, in power, beyond what the noise under it explains
WAVER_DB_MAX: Final = 12.0
WAVER: Final = 0.5  # points for each dB of it
WAVER_LONG: Final = 1.2  # the same over a longer run, of which its echo's coming in is left out
FADE_DB: Final = 1.0  # how far the last window but one, covered by two thirds or more, is below those before it
FADE_DB_MAX: Final = 4.0
FADE: Final = 4.0  # points for each dB
PURE: Final = 12.0  # points fewer for a share of 1 more …
IMPURE: Final = 0.6  # … than this
BRIEF: Final = 296  # samples: shorter than panels send them …
BRIEF_POINTS: Final = 0.6  # … costs this

OUTER: Final = 2  # windows at each end, not looked at: covered in part
LONG: Final = 16  # windows of a longer run …
ECHOED: Final = 9  # … and those until its echo has come in: 45 ms
BIN: Final = 58  # twice a tone's share of the noise in a window


def oddness(windows: Windows, first: I64, last: I64, share: F64, length: I64) -> F64:
    """Points against each run `[first, last)` of windows.

    share: of its energy in the two tones; length: in samples. (n,) each, as what is returned.
    """
    seen, count = windows.seen, last - first
    outer = np.where(count > 2 * OUTER + 1, OUTER, 1)
    inner = np.empty(2 * len(first), np.int64)
    inner[::2] = first + np.where(count >= LONG, ECHOED, outer)
    inner[1::2] = last - outer
    many = inner[1::2] - inner[::2]
    pair, total = (np.add.reduceat(seen[row], inner)[::2] / many for row in (PAIR, TOTAL))
    beside = np.array([seen[AHEAD][first], seen[BEHIND][last - 1]])
    odd: F64 = np.clip(_db(beside * HOPS_A_BLOCK / total) - BESIDE_DB, 0, BESIDE_DB_MAX).sum(axis=0)
    waver = np.clip(_waver(windows, inner, many, (total - pair) / BIN) - WAVER_DB, 0, WAVER_DB_MAX)
    odd += np.where(count >= LONG, WAVER_LONG, WAVER) * waver
    odd += FADE * np.clip(-_db(seen[PAIR][last - 2] / pair) - FADE_DB, 0, FADE_DB_MAX)
    odd -= PURE * np.maximum(share - IMPURE, 0)
    odd += BRIEF_POINTS * (length < BRIEF)
    return odd


def _waver(windows: Windows, inner: I64, many: I64, noise: F32) -> F64:
    """How far the amplitude of the less steady tone varies over the inner windows, in dB of its power."""
    key, size = windows.at[KEY], len(windows)
    place = np.array([key // 4, 4 + key % 4]) * size + np.arange(size)
    tones = windows.seen[TONES].reshape(-1).take(place)
    power = np.add.reduceat(tones, inner, axis=1)[:, ::2] / many
    mean = (np.add.reduceat(np.sqrt(tones), inner, axis=1)[:, ::2] / many) ** 2
    varies: F64 = ((power - mean - noise) / mean).max(axis=0)
    return _db(varies)


def _db(ratio: NDArray[np.float64] | F32) -> F64:
    level: F64 = 10 * np.log10(np.maximum(ratio, 1e-9))
    return level
