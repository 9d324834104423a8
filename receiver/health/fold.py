"""Counting on from the intake's journal, and keeping what was counted in a file of our own. Blocks as disks do."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from receiver.errors import YobirinError
from receiver.health.counting import TYPES, Counting, Weak
from receiver.health.trend import Bounds
from receiver.installation import Installation
from receiver.journal.reader import Reader

STEP: Final = 1_000  # records
KEEP_EVERY: Final = 150  # steps: five minutes where there is little to count
BYTES_MAX: Final = 200 * 2**20


@dataclass(slots=True)
class Counter:
    """`step` again and again, on one thread; `keep` at the end."""

    installation: Installation
    bounds: Bounds
    counting: Counting = field(init=False)
    _steps: int = 0

    def __post_init__(self) -> None:
        self.counting = self._kept()

    @property
    def file(self) -> Path:
        return self.installation.health / "counted.json"

    def step(self) -> tuple[list[Weak], bool]:
        """Count some records: which units they show to grow weak, and whether more wait."""
        try:
            with closing(Reader(self.installation.intake_db)) as reader:
                weak, more = self._step(reader)
        except YobirinError:
            return [], False  # whoever looks at the journal says so
        self._steps += 1
        if self._steps % KEEP_EVERY == 0:
            self.keep()
        return weak, more

    def _step(self, reader: Reader) -> tuple[list[Weak], bool]:
        seq, digest = self.counting.cursor
        if seq:
            rows = reader.rows("SELECT hash FROM event WHERE seq = ?", seq)
            if not rows or rows[0][0] != digest:  # another journal than the one that was counted: a copy was put back
                self.counting = Counting(self.bounds)
                seq = 0
        head = reader.head()
        if head[0] == seq:
            return [], False
        records = reader.after(seq, STEP, TYPES)
        weak = self.counting.fold(records)
        if len(records) < STEP and head[0] > self.counting.cursor[0]:
            self.counting.cursor = head
        return weak, len(records) == STEP

    def keep(self) -> None:
        """Write it down; a disk that takes nothing costs us counting again, no more."""
        draft = self.file.with_name("." + self.file.name)  # a dot: no backup takes it
        with suppress(OSError):
            draft.write_text(json.dumps(self.counting.to_json(), separators=(",", ":")), encoding="utf-8")
            draft.replace(self.file)

    def _kept(self) -> Counting:
        try:
            if self.file.stat().st_size <= BYTES_MAX:
                return Counting.from_json(json.loads(self.file.read_text(encoding="utf-8")), self.bounds)
        except (OSError, ValueError, RecursionError):
            pass
        return Counting(self.bounds)
