"""What is drawn of a file: the picture of its most telling call, and the page of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final

from decoder.frame import Frame
from decoder.samples import RATE_HZ
from receiver.commands.inspection.heard import HeardCall
from receiver.commands.inspection.page import Facts, Page
from receiver.commands.inspection.picture import picture
from receiver.commands.inspection.png import png
from receiver.commands.inspection.shapes import Picture
from receiver.commands.inspection.stretches import stretches
from receiver.commands.inspection.svg import svg
from receiver.commands.inspection.words import Tally

PICTURE: Final = 120 * RATE_HZ  # samples that one picture shows at most


@dataclass(slots=True)
class Drawing:
    """Calls in, files out. `all_of_it`: a part was asked for, so that its silence is shown, too."""

    name: str
    all_of_it: bool
    svg: Path | None
    png: Path | None
    html: Path | None
    tally: Tally = field(default_factory=Tally)
    calls: int = 0
    drawn: HeardCall | None = None  # the first with a message, else the first with anything
    _page: Page | None = None

    def take(self, call: HeardCall) -> None:
        """Another call."""
        self.calls += 1
        self.tally.add(call)
        if self.drawn is None or _tells(call) > _tells(self.drawn):
            self.drawn = call
        if self.html is not None:
            self._page = self._page or Page(self.all_of_it)
            self._page.add(call)

    def files(self, file: Path, problems: Sequence[str]) -> Iterator[tuple[Path, bytes]]:
        """What is to be written where. Raises OSError if the file itself cannot be read once more."""
        if self.drawn is None:
            return
        if self.svg is not None or self.png is not None:
            made = self._picture(self.drawn)
            if self.svg is not None:
                yield self.svg, f'<?xml version="1.0" encoding="UTF-8"?>\n{svg(made)}'.encode()
            if self.png is not None:
                yield self.png, png(made)
        if self.html is not None and self._page is not None:
            facts = Facts(self.name, file.stat().st_size, _digest(file), version("yobirin"), problems)
            yield self.html, self._page.html(facts, self.tally).encode()

    def _picture(self, call: HeardCall) -> Picture:
        tally = Tally()
        tally.add(call)
        which = f", call {call.call.call}" if self.calls > 1 else ""
        shown = stretches(call, PICTURE, all_of_it=self.all_of_it)
        drawn, whole = (samples / RATE_HZ for samples in (sum(map(len, shown)), len(call.part)))
        part = f" Drawn: {drawn:.0f} s of {whole:.0f} s." if drawn < whole else ""
        return picture(call, shown, [f"{self.name}{which}", tally.english() + part])


def _tells(call: HeardCall) -> int:
    found = [one.value for channel in call.channels for one in channel.findings]
    return 2 if any(isinstance(value, Frame) for value in found) else 1 if found else 0


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
