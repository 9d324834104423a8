"""What a picture is made of: boxes, lines, words and grey areas, in paper units (CSS pixels), whoever paints them.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision tell
apart; and no meaning hangs on colour alone: each kind of mark has a form of its own as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LETTER: Final = 0.62  # width of a letter of a monospaced font, of its size: a little more than most fonts have
HATCH: Final = 6.0
HALO: Final = 2.5  # how much thicker a white edge is than what it sets off


class Ink(Enum):
    """What something is drawn in, by what it means."""

    PAPER = "#ffffff"
    TEXT = "#000000"
    FAINT = "#767676"
    GRID = "#d8d8d8"
    DIGIT = "#0072b2"
    TONE = "#00795a"  # bluish green, darker than theirs: read on grey
    MODEM = "#a0307a"  # reddish purple, the same
    REJECTED = "#c24e00"  # vermilion, the same
    RECOVERED = "#f0e442"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. `says`: a line for whoever points at it; `halo`: set off from a dark ground by a white edge."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink
    filled: bool = False
    dashed: bool = False
    thick: float = 1.5
    says: str = ""
    halo: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    ink: Ink
    dashed: bool = False
    thick: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """Words on the base line `y`; `x` is where `anchor` says."""

    x: float
    y: float
    text: str
    ink: Ink = Ink.TEXT
    size: float = 11.0
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    says: str = ""


@dataclass(frozen=True, slots=True)
class Grey:
    """An area of shades, uint8, (rows, columns), 255 the paper; stretched to its size."""

    x: float
    y: float
    width: float
    height: float
    shades: NDArray[np.uint8]


Shape = Box | Line | Text | Grey


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes on white paper, painted in this order. Title and description are for those who cannot see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str


def width_of(text: str, size: float = 11.0) -> float:
    """How much room a text needs at the most."""
    return len(text) * size * LETTER


def hatched(x: float, y: float, width: float, height: float, ink: Ink) -> Iterator[Line]:
    """Slanting lines that fill a rectangle."""
    at = -height
    while at < width:
        left, right = max(at, 0.0), min(at + height, width)
        if right > left:
            yield Line(((x + left, y + height - (left - at)), (x + right, y + height - (right - at))), ink)
        at += HATCH


def cross(x: float, y: float, size: float, ink: Ink) -> Iterator[Line]:
    """A cross around a point."""
    yield Line(((x - size, y - size), (x + size, y + size)), ink, thick=2.0)
    yield Line(((x - size, y + size), (x + size, y - size)), ink, thick=2.0)
