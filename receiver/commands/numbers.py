"""Numbers on the command line that name something: a case, a reception. Click parameter types."""

from __future__ import annotations

import click

DIGITS_MAX = 18  # what the store's integers can hold


def case_number(text: str) -> int:
    """The number of a case; what is none is refused in plain words."""
    return _number(text, "a case", "yobirin case list --all")


def reception_number(text: str) -> int:
    """The id of a reception."""
    return _number(text, "a reception", "yobirin events export")


def _number(text: str, what: str, see: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX and int(text)):
        raise click.BadParameter(f"{text!r} is not the number of {what}; they are listed by: {see}")
    return int(text)
