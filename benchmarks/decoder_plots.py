"""Pictures of a report of `decoder_accuracy.py`: how far each impairment may go, ours against the peers.

    python benchmarks/decoder_plots.py build/benchmarks/decoder_accuracy.md docs/explanation/figures [AXIS …]

One SVG with a small panel an axis. Colours are those of Okabe and Ito, and every line has its own dashes: nothing
depends on colour alone.
"""

from __future__ import annotations

import argparse
import html
import re
from dataclasses import dataclass
from pathlib import Path

PANEL_W, PANEL_H, LEFT, TOP, GAP, COLUMNS = 250, 150, 44, 64, 62, 3
LOOKS = {  # column of the report: what it is called, colour, dashes
    "frames": ("Yobirin, whole messages", "#0072B2", ""),
    "hard": ("Yobirin, single digits", "#56B4E9", "6 3"),
    "spandsp": ("spandsp", "#D55E00", "2 2"),
    "multimon-ng": ("multimon-ng", "#555555", "8 3 2 3"),
}


@dataclass(frozen=True)
class Axis:
    """One table of the report: the values, and a percentage for each contestant and value."""

    name: str
    values: tuple[float, ...]
    lines: dict[str, tuple[float, ...]]


def axes_of(report: str) -> list[Axis]:
    """Every table under a `###` heading that has columns of contestants and more than one row."""
    found = []
    for part in report.split("\n### ")[1:]:
        name, _, body = part.partition("\n")
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line[:1] == "|"]
        if len(rows) < 4 or rows[0][0] == "axis" or not any(title.removesuffix(" %") in LOOKS for title in rows[0]):
            continue
        columns = [title.removesuffix(" %") for title in rows[0]]
        figures = [[_number(cell) for cell in row] for row in rows[2:] if len(row) == len(columns)]
        lines = {title: tuple(row[place] for row in figures) for place, title in enumerate(columns) if title in LOOKS}
        found.append(Axis(f"{name.strip()} ({rows[0][0]})", tuple(row[0] for row in figures), lines))
    return found


def _number(cell: str) -> float:
    figure = re.match(r"[-+]?[0-9.]+", cell)
    return float(figure.group()) if figure else 0.0


def drawn(axes: list[Axis], title: str) -> str:
    """The whole picture."""
    rows = -(-len(axes) // COLUMNS)
    width, height = COLUMNS * (PANEL_W + GAP) + LEFT, TOP + rows * (PANEL_H + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{html.escape(title)}</text>',
    ]
    shown = [name for name in LOOKS if any(name in axis.lines for axis in axes)]
    for place, name in enumerate(shown):
        label, colour, dashes = LOOKS[name]
        x = LEFT + place * 200
        parts.append(_path([(x, 38), (x + 26, 38)], colour, dashes))
        parts.append(f'<text x="{x + 32}" y="42">{label}</text>')
    for place, axis in enumerate(axes):
        x, y = LEFT + place % COLUMNS * (PANEL_W + GAP), TOP + place // COLUMNS * (PANEL_H + GAP)
        parts += _panel(axis, x, y)
    return "\n".join([*parts, "</svg>"])


def _panel(axis: Axis, x: int, y: int) -> list[str]:
    order = sorted(range(len(axis.values)), key=lambda place: axis.values[place])
    values = [axis.values[place] for place in order]
    step = PANEL_W / max(len(values) - 1, 1)  # evenly spaced: the values are chosen where something happens

    def at(place: int, percent: float) -> tuple[float, float]:
        return x + place * step, y + PANEL_H * (1 - percent / 100)

    parts = [
        f'<rect x="{x}" y="{y}" width="{PANEL_W}" height="{PANEL_H}" fill="none" stroke="#999"/>',
        f'<text x="{x}" y="{y - 6}" font-weight="bold">{html.escape(axis.name)}</text>',
    ]
    for percent in (0, 50, 99):
        height = at(0, percent)[1]
        parts.append(f'<path d="M{x} {height:.1f}h{PANEL_W}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 6}" y="{height + 4:.1f}" text-anchor="end" fill="#555">{percent}</text>')
    skip = -(-len(values) // 8)
    for place in range(0, len(values), skip):
        parts.append(
            f'<text x="{at(place, 0)[0]:.1f}" y="{y + PANEL_H + 14}" text-anchor="middle">{values[place]:g}</text>'
        )
    for name, figures in axis.lines.items():
        _, colour, dashes = LOOKS[name]
        parts.append(_path([at(place, figures[which]) for place, which in enumerate(order)], colour, dashes))
    return parts


def _path(points: list[tuple[float, float]], colour: str, dashes: str) -> str:
    line = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def main() -> None:
    """Write the picture of a report."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("report", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("axes", nargs="*", help="only these, in this order")
    chosen = options.parse_args()
    axes = axes_of("\n" + chosen.report.read_text())
    if chosen.axes:
        by_name = {axis.name.rpartition(" (")[0]: axis for axis in axes}
        axes = [by_name[name] for name in chosen.axes if name in by_name]
    chosen.folder.mkdir(parents=True, exist_ok=True)
    picture = drawn(axes, "Contact ID messages read, in % (evenly spaced values)")
    (chosen.folder / f"{chosen.report.stem}.svg").write_text(picture + "\n")


if __name__ == "__main__":
    main()
