"""Errors of the system in words that a person can read."""

from __future__ import annotations

import os
import termios


def plain(error: BaseException) -> str:
    """An error of the system in words."""
    if isinstance(error, termios.error):
        return str(error.args[-1])
    if isinstance(error, TimeoutError):
        return "no answer"
    if "exclusively lock" in str(error):
        return "another process uses it"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno and error.errno > 0 else str(error)
