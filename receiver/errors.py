"""The few ways in which the world can be wrong, each with a line for a tired person at 3 a.m.

The message says what happened, to which line, account or file, and what to do now. `exit_code` is
what the command line ends with (design, command line): 1 found wanting or partly done, 2 nothing
done, 75 store not available.
"""

from __future__ import annotations

import os


class YobirinError(Exception):
    """Something outside this program is wrong; the text is one plain line."""

    exit_code = 2
    details: tuple[str, ...] = ()


class BadInput(YobirinError):
    """A file, an argument or a setting that cannot be used; nothing was done."""


class RefusedByRule(YobirinError):
    """A rule of the contract forbids it; nothing was done. `clause` names it (`K-10a`)."""

    def __init__(self, clause: str, reason: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(f"refused ({clause}): {reason}")
        self.clause = clause
        self.reason = reason
        self.details = details


class PartlyDone(YobirinError):
    """A check failed, or part of a list could not be read; what could be done has been done."""

    exit_code = 1


class StoreUnavailable(YobirinError):
    """The journal cannot be opened, read or written."""

    exit_code = 75


class NotStored(StoreUnavailable):
    """A commit failed: nothing of it may be acknowledged; the process starts again from the file."""


def shown(name: str | os.PathLike[str]) -> str:
    """A file's name on one line whatever is in it."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return text if text.isprintable() else ascii(text)[1:-1]
