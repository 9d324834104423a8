"""Keys come in company: a digit that is a little odd is heard among others, and not where it stands alone.

What a bad line does to one digit it seldom does to all of a message; a note that passes for a key seldom has another
beside it. So digits are taken in groups without a long pause, and odd ones wait for one that is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from decoder.digits import ODD, Found, merged
from decoder.dtmf import FAR, I64, Flags
from decoder.switching import ODD_ALONE_MAX

NEAR: Final = 2_400  # samples: the longest pause in a group, 300 ms
LONG: Final = 1_600  # samples, 200 ms: longer than a digit lasts; what is, may be one, and is nobody's company
ENOUGH: Final = 4  # digits are company to each other, however odd


class Company:
    """The odd digits of all lines that still wait for company, and where each line's last digit ended."""

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
        odd = found.measured[ODD] > ODD_ALONE_MAX
        self.waiting = None
        if odd.any():
            found = self._kept(found, odd, begun)
        self._last[found.line] = found.end
        return found

    def _kept(self, found: Found, odd: Flags, begun: Callable[[I64], I64]) -> Found:
        """Those of the groups that are in company; what still may be is kept waiting."""
        line, size = found.line, len(found.line)
        changes = np.append(True, line[1:] != line[:-1])
        before = np.where(changes, self._last[line], np.append(0, found.end[:-1]))
        near = (found.start - before <= NEAR) & (found.end - found.start <= LONG)
        (first,) = (changes | ~near).nonzero()
        last = np.append(first[1:], size) - 1
        fine = np.logical_or.reduceat(~odd, first) | near[first] | (last - first + 1 >= ENOUGH)
        wait = ~fine & (begun(line[last]) <= found.end[last] + NEAR)
        count = last - first + 1
        if wait.any():
            self.waiting = found.only(wait.repeat(count).nonzero()[0])
        return found.only(fine.repeat(count).nonzero()[0])
