"""Every option and every format is in the reference, with its default."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.hardware import ademco_685, output_port, port, surgard

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "hardware-receivers.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_reference() -> None:
    for part, options in zip(PAGE.split("## Output"), (port.OPTIONS, output_port.OPTIONS), strict=True):
        table = " ".join(re.findall(r"^\| (`[^|]+) \|", part, re.M))
        assert set(options) <= set(re.findall(r"`(\w+)`", table)), set(options)


def test_every_format_is_in_the_reference() -> None:
    for module in (surgard, ademco_685):
        names = [value for value in vars(module).values() if isinstance(value, str)]
        for name in names:
            if re.fullmatch(r"(surgard|ademco685)-[a-z0-9-]+", name):
                assert f"`{name}`" in PAGE, name
