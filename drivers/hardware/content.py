"""What one frame of a hardware receiver says, whichever make it is, and what a make must provide to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from decoder.frame import Frame, Qualifier

QUALIFIERS: Final = {  # Contact ID: letters as most receivers send them, digits as some do
    "E": Qualifier.NEW,
    "R": Qualifier.RESTORE,
    "P": Qualifier.STATUS,
    "1": Qualifier.NEW,
    "3": Qualifier.RESTORE,
    "6": Qualifier.STATUS,
}
LETTERS: Final = {"1": "E", "3": "R", "6": "P"}


@dataclass(frozen=True, slots=True)
class Header:
    """Numbers of the receiver and of its telephone line. Strings: leading zeros count, some lines are letters."""

    receiver: str
    line: str

    @property
    def path(self) -> str:
        """The line, as it is supervised and shown."""
        return f"receiver {self.receiver} line {self.line}"


@dataclass(frozen=True, slots=True)
class Told:
    """Messages of units, or one of the receiver itself. One SIA block may hold several.

    fixed  the layout has a length of its own, so that the end of another frame cannot be taken for one
    """

    path: str
    frames: tuple[Frame, ...]
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Beat:
    """The receiver is there. It is the whole receiver's, not one line's."""

    path: str


@dataclass(frozen=True, slots=True)
class Strange:
    """A whole frame that is in no table. path: None if not even that can be told."""

    path: str | None
    why: str


Content = Told | Beat | Strange


@dataclass(frozen=True, slots=True)
class Dialect:
    """One make's output.

    start  the byte a frame begins with; None: it begins behind the end of the last one
    end    the byte it ends with; neither belongs to the text
    read   text of a frame (one character for each byte) → what it says; never raises
    loose  whether a text may hold bytes above 127 (names in another alphabet): elsewhere they are damage
    """

    name: str
    start: int | None
    end: int
    read: Callable[[str], Content]
    loose: Callable[[str], bool]


def frame(
    form: str,
    raw: str,
    account: str,
    code: str,
    zone: str = "",
    partition: str = "",
    qualifier: Qualifier = Qualifier.NEW,
    note: str = "",
) -> Frame:
    """A frame without sound. Blanks around fields are layout, not content."""
    return Frame(
        form, raw, account.strip().upper(), qualifier.value, code, partition.strip(), zone.strip(), 0, 0, 1.0, note=note
    )


def of_channels(states: str, code: str) -> Qualifier:
    """Ademco High Speed and alike: the state of each channel (0 trouble … 6), and what kind of report it is.

    In classes 2 and 4 (opening, closing by user) the first channel is the user's number, so the class decides.
    """
    told = code if code in ("2", "4") else states
    if set(told) & set("012"):
        return Qualifier.NEW
    return Qualifier.RESTORE if set(told) & set("34") else Qualifier.STATUS


def printable(data: bytes) -> str:
    """Bytes as text for people; what cannot be printed as `\\x..`."""
    return "".join(chr(octet) if 32 <= octet < 127 else f"\\x{octet:02x}" for octet in data)
