"""Keys come in company: a digit that is a little odd is heard among others, and not where it stands alone.

What a bad line does to one digit it seldom does to all of a message; a note that passes for a key seldom has another
beside it. So the odd one waits until it is known who is near.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from decoder.digits import ODD, Found, merged
from decoder.dtmf import FAR, I64
from decoder.switching import ODD_ALONE_MAX

NEAR: Final = 2_400  # samples between two digits of one message: 300 ms


class Company:
    """The odd digits of all lines that still wait for company, and where each line's last good one ended."""

    def __init__(self, lines: int) -> None:
        self.waiting: Found | None = None
        self._last = np.full(lines, -FAR)

    def take(self, found: Found | None, begun: Callable[[I64], I64]) -> Found | None:
        """Add digits, in order of line and time; return those that are in company, or need none, in that order.

        begun: line → no digit that is yet to come begins before this sample.
        """
        if self.waiting is not None:
            found = self.waiting if found is None else merged(self.waiting, found)
        if found is None:
            return None
        fine = found.measured[ODD] <= ODD_ALONE_MAX
        (good,), (odd,) = fine.nonzero(), (~fine).nonzero()
        before = self._last[found.line[odd]]
        self._last[found.line[good]] = found.end[good]
        if not len(odd):
            self.waiting = None
            return found
        line, start, end = found.line[odd], found.start[odd], found.end[odd]
        after = np.full(len(odd), FAR)
        if len(good):
            behind = np.searchsorted(good, odd)
            at = good[np.maximum(behind - 1, 0)]
            before = np.where((behind > 0) & (found.line[at] == line), found.end[at], before)
            at = good[np.minimum(behind, len(good) - 1)]
            after = np.where((behind < len(good)) & (found.line[at] == line), found.start[at], after)
        fine[odd] = (start - before <= NEAR) | (after - end <= NEAR)
        (waiting,) = (~fine[odd] & (begun(line) <= end + NEAR)).nonzero()
        self.waiting = found.only(odd[waiting]) if len(waiting) else None
        return found.only(fine.nonzero()[0])
