"""What a disk may hold when the mains fail: all that was synced, and of the rest any part, in sectors, kept or torn.

A write is certain once its file was synced after it; a name (made, moved or removed, of a file or of a folder) once the
folder above it was. Nothing else is: each sector of an unsynced write is kept, dropped, or torn within.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from campaigns.trace import Step

SECTOR = 512


@dataclass(slots=True)
class Disk:
    """Grows with the steps; `image` draws what may be found if it all ended now.

    content  file → what is certain of it          pending  its steps since it was last synced
    names    name → file, as certain               waiting  changes of names since each folder was last synced
    """

    content: dict[int, bytes] = field(default_factory=dict)
    pending: dict[int, list[Step]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)
    _now: dict[str, int] = field(default_factory=dict)  # name → file, as the process sees it

    def take(self, step: Step) -> None:
        """One step more."""
        match step.kind:
            case "mkdir":
                self._folders.add(step.path)
                self._named(step.path, self._file())
            case "create":
                self._named(step.path, self._file())
            case "write" | "truncate":
                self.pending[self._now.setdefault(step.path, self._file())].append(step)
            case "link":
                self._named(step.to, self._now[step.path])
            case "rename":
                self._named(step.to, self._now.pop(step.path))
                self._renamed(step.path)
            case "unlink":
                self._now.pop(step.path, None)
                self._renamed(step.path)
            case "sync" if step.path in self._now and step.path not in self._folders:
                self._synced(self._now[step.path])
            case "sync":
                for name, file in self.waiting.pop(step.path, []):
                    _set(self.names, name, file)

    def image(self, chance: random.Random) -> dict[str, bytes]:
        """Name → content."""
        names = dict(self.names)
        for changes in self.waiting.values():
            for name, file in changes[: chance.randint(0, len(changes))] if chance.random() < 0.5 else changes:
                _set(names, name, file)
        return {
            name: self._found(file, chance)
            for name, file in names.items()
            if name not in self._folders and all(above in names for above in self._above(name))
        }

    def _above(self, name: str) -> list[str]:
        return [str(above) for above in PurePosixPath(name).parents if str(above) in self._folders]

    def _found(self, file: int, chance: random.Random) -> bytes:
        content = self.content[file]
        mood = chance.random()  # all of it, nothing of it, or each sector for itself
        for step in self.pending[file]:
            if step.kind == "truncate":
                content = applied(content, step) if mood < 0.3 or (mood < 0.8 and chance.random() < 0.5) else content
                continue
            for at in range(0, len(step.data), SECTOR):
                part = step.data[at : at + SECTOR]
                if mood < 0.3 or (mood < 0.8 and chance.random() < 0.5):
                    if mood >= 0.3 and chance.random() < 0.1:
                        part = part[: chance.randrange(len(part) + 1)]  # torn within
                    content = applied(content, Step("write", step.path, part, step.at + at))
        return content

    def _file(self) -> int:
        number = len(self.content)
        self.content[number], self.pending[number] = b"", []
        return number

    def _named(self, name: str, file: int) -> None:
        self._now[name] = file
        self.waiting.setdefault(str(PurePosixPath(name).parent), []).append((name, file))

    def _renamed(self, name: str) -> None:
        self.waiting.setdefault(str(PurePosixPath(name).parent), []).append((name, None))

    def _synced(self, file: int) -> None:
        for step in self.pending[file]:
            self.content[file] = applied(self.content[file], step)
        self.pending[file] = []


def _set(names: dict[str, int], name: str, file: int | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file


def applied(content: bytes, step: Step) -> bytes:
    """A file after a write or a truncation."""
    if step.kind == "truncate":
        return content[: step.at].ljust(step.at, b"\0")
    return content.ljust(step.at, b"\0")[: step.at] + step.data + content[step.at + len(step.data) :]


def said(steps: Sequence[Step]) -> list[str]:
    """The lines that left the process."""
    return b"".join(step.data for step in steps if step.kind == "say").decode().splitlines()
