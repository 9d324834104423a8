"""A picture as SVG: one file that shows the same everywhere, with the grey areas in it as PNG."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Final

from receiver.commands.inspection.png import grey_png
from receiver.commands.inspection.shapes import HALO, Box, Grey, Ink, Line, Picture, Shape, Text

FONT: Final = "DejaVu Sans Mono, Menlo, Consolas, Noto Sans Mono, monospace"
DASHES: Final = ' stroke-dasharray="3 2"'


def svg(picture: Picture) -> str:
    """The picture, from `<svg` to `</svg>`: a file of its own, and a part of a page as well."""
    width, height = _number(picture.width), _number(picture.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">'
    )
    words = f"<title>{text(picture.title)}</title>\n<desc>{text(picture.description)}</desc>"
    paper = f'<rect width="{width}" height="{height}" fill="{Ink.PAPER.value}"/>'
    return "\n".join([head, words, paper, *_painted(picture), "</svg>\n"])


def text(words: str) -> str:
    """Words as they may stand in XML and HTML, whatever is in them."""
    return escape("".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in words))


def _painted(picture: Picture) -> Iterator[str]:
    for shape in picture.shapes:
        yield _shape(shape)


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            around = ""
            if shape.halo:
                edge = replace(shape, ink=Ink.PAPER, dashed=False, thick=shape.thick + HALO, says="", halo=False)
                around = _shape(edge)
            fill = f'fill="{shape.ink.value}"' if shape.filled else 'fill="none" pointer-events="all"'
            stroke = "" if shape.filled else f' stroke="{shape.ink.value}" stroke-width="{_number(shape.thick)}"'
            return around + (
                f'<rect x="{_number(shape.x)}" y="{_number(shape.y)}" width="{_number(shape.width)}" '
                f'height="{_number(shape.height)}" {fill}{stroke}{DASHES if shape.dashed else ""}{_end("rect", shape)}'
            )
        case Line():
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
            return (
                f'<polyline points="{points}" fill="none" stroke="{shape.ink.value}" '
                f'stroke-width="{_number(shape.thick)}"{DASHES if shape.dashed else ""}/>'
            )
        case Text():
            weight = ' font-weight="bold"' if shape.bold else ""
            anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
            hint = f"<title>{text(shape.says)}</title>" if shape.says else ""
            return (
                f'<text x="{_number(shape.x)}" y="{_number(shape.y)}" font-size="{_number(shape.size)}" '
                f'fill="{shape.ink.value}"{anchor}{weight} xml:space="preserve">{hint}{text(shape.text)}</text>'
            )
        case Grey():
            data = b64encode(grey_png(shape.shades)).decode()
            return (
                f'<image x="{_number(shape.x)}" y="{_number(shape.y)}" width="{_number(shape.width)}" '
                f'height="{_number(shape.height)}" preserveAspectRatio="none" '
                f'xlink:href="data:image/png;base64,{data}"/>'
            )


def _end(tag: str, box: Box) -> str:
    return f"><title>{text(box.says)}</title></{tag}>" if box.says else "/>"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
