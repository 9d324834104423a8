"""A picture as PNG, in dots: what is left where no SVG can be shown. Twice the size on paper, words in capitals.

Source: ISO/IEC 15948 (PNG): signature, IHDR, PLTE, IDAT, IEND; each chunk with length, name and CRC.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from receiver.commands.inspection.font import ACROSS, DOWN, glyph
from receiver.commands.inspection.shapes import HALO, Box, Grey, Ink, Line, Picture, Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Dots = NDArray[np.uint8]

FACTOR: Final = 2  # dots a unit of paper
SHADES: Final = 128  # of the palette are greys, black first; the inks follow
LARGE: Final = 13.0  # words of this size are of three dots a dot, smaller ones of two
DASH: Final = 5  # dots of a dash and of the gap behind it
INKS: Final = {ink: SHADES + number for number, ink in enumerate(Ink)}

GREY, PALETTE = 0, 3  # colour types of IHDR
SUB, UP = 1, 2  # filters: the difference to the left, to the line above


def png(picture: Picture) -> bytes:
    """The picture, `FACTOR` dots a unit."""
    import numpy as np

    dots = np.full((round(picture.height * FACTOR), round(picture.width * FACTOR)), INKS[Ink.PAPER], np.uint8)
    for shape in picture.shapes:
        match shape:
            case Grey():
                _grey(dots, shape)
            case Box():
                _box(dots, shape)
            case Line():
                _line(dots, shape)
            case Text():
                _text(dots, shape)
    greys = bytes(round(shade * 255 / (SHADES - 1)) for shade in range(SHADES) for _ in range(3))
    palette = greys + b"".join(bytes.fromhex(ink.value[1:]) for ink in Ink)
    return _file(dots, PALETTE, palette, 0)


def grey_png(shades: Dots) -> bytes:
    """Shades, uint8, (rows, columns), as a PNG of their own."""
    return _file(shades, GREY, b"", UP)


def _file(dots: Dots, kind: int, palette: bytes, row_filter: int) -> bytes:
    import numpy as np

    height, width = dots.shape
    lines = np.zeros((height, width + 1), np.uint8)
    lines[:, 0] = row_filter
    lines[:, 1:] = dots
    if row_filter == UP:
        lines[1:, 1:] -= dots[:-1]
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), *([(b"PLTE", palette)] if palette else [])]
    chunks += [(b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _dot(value: float) -> int:
    return round(value * FACTOR)


def _grey(dots: Dots, area: Grey) -> None:
    import numpy as np

    height, width = _dot(area.height), _dot(area.width)
    rows = np.arange(height) * area.shades.shape[0] // height
    columns = np.arange(width) * area.shades.shape[1] // width
    shades = area.shades[rows][:, columns] // (256 // SHADES)
    dots[_dot(area.y) : _dot(area.y) + height, _dot(area.x) : _dot(area.x) + width] = shades


def _box(dots: Dots, box: Box) -> None:
    left, top, right, bottom = _dot(box.x), _dot(box.y), _dot(box.x + box.width), _dot(box.y + box.height)
    if box.filled:
        dots[top:bottom, left : max(right, left + 1)] = INKS[box.ink]
        return
    corners = ((box.x, box.y), (box.x + box.width, box.y), (box.x + box.width, box.y + box.height))
    outline = (*corners, (box.x, box.y + box.height), corners[0])
    if box.halo:
        _line(dots, Line(outline, Ink.PAPER, thick=box.thick + HALO))
    _line(dots, Line(outline, box.ink, box.dashed, box.thick))


def _line(dots: Dots, line: Line) -> None:
    import numpy as np

    reach = max(round(line.thick * FACTOR), 1)
    for (x, y), (to_x, to_y) in pairwise(line.points):
        count = max(abs(_dot(to_x) - _dot(x)), abs(_dot(to_y) - _dot(y))) + 1
        across = np.rint(np.linspace(x * FACTOR, to_x * FACTOR, count)).astype(int)
        down = np.rint(np.linspace(y * FACTOR, to_y * FACTOR, count)).astype(int)
        seen = np.arange(count) % (2 * DASH) < DASH if line.dashed else np.ones(count, bool)
        for shift in range(-(reach // 2), reach - reach // 2):
            for rows, columns in ((down + shift, across), (down, across + shift)):
                inside = seen & (rows >= 0) & (rows < dots.shape[0]) & (columns >= 0) & (columns < dots.shape[1])
                dots[rows[inside], columns[inside]] = INKS[line.ink]


def _text(dots: Dots, words: Text) -> None:
    scale = 3 if words.size >= LARGE else 2
    advance = (ACROSS + 1) * scale
    left = (
        _dot(words.x)
        - {"start": 0, "middle": len(words.text) * advance // 2, "end": len(words.text) * advance}[words.anchor]
    )
    top = _dot(words.y) - DOWN * scale
    for place, letter in enumerate(words.text):
        x = left + place * advance
        if x < 0 or top < 0 or x + advance > dots.shape[1] or top + DOWN * scale > dots.shape[0]:
            continue
        mask = glyph(letter).repeat(scale, axis=0).repeat(scale, axis=1)
        there = dots[top : top + DOWN * scale, x : x + ACROSS * scale]
        there[mask] = INKS[words.ink]
        if words.bold:
            dots[top : top + DOWN * scale, x + 1 : x + 1 + ACROSS * scale][mask] = INKS[words.ink]
