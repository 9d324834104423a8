"""The calls of a run that write, sync, rename or speak to the modem, as `strace` saw them: where to kill it. Pure.

A line is `THREAD name(arguments) = result`; one that another thread interrupted stands twice, begun and resumed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WRITING: Final = ("write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "sync_file_range", "ftruncate")
NAMING: Final = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "mkdir", "mkdirat")
_BEGUN: Final = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<arguments>.*)")
_RESUMED: Final = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)")
_FILE: Final = re.compile(r"\d+<(?P<path>/[^>]*)>")
_NAMED: Final = re.compile(r'(?:AT_FDCWD(?:<[^>]*>)?, )?"(?P<path>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where in the trace it began and where it had returned, and on what; its arguments as text."""

    thread: str
    name: str
    path: str
    begun: int
    returned: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Place:
    """Calls of a kind, counted per thread as strace's `when` does it; path None: on whatever file."""

    name: str
    path: str | None
    count: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """All calls that returned or were cut off, in the order in which they returned."""
    waiting: dict[str, tuple[int, re.Match[str]]] = {}
    at = 0
    for at, line in enumerate(lines):
        if (found := _RESUMED.match(line)) is not None:
            if (earlier := waiting.pop(found["thread"], None)) is not None:
                yield _call(earlier[1], earlier[0], at)
        elif (found := _BEGUN.match(line)) is not None:
            if line.rstrip().endswith("<unfinished ...>"):
                waiting[found["thread"]] = at, found
            else:
                yield _call(found, at, at)
    for begun, found in waiting.values():
        yield _call(found, begun, at + 1)


def _call(found: re.Match[str], begun: int, returned: int) -> Call:
    pattern = _FILE if found["name"] in WRITING else _NAMED
    held = pattern.match(found["arguments"])
    return Call(found["thread"], found["name"], held["path"] if held else "", begun, returned, found["arguments"])


def places(done: Sequence[Call], stable: Sequence[str]) -> list[Place]:
    """Where to kill, so that each of these calls is reached where threads do not hide one another.

    stable  paths that are the same in every run; what happens on others is counted without the path
    """
    told: list[Place] = []
    by_path = [one for one in done if one.name in WRITING and one.name != "fsync" and one.path in stable]
    named = sorted({(one.name, one.path) for one in by_path})
    for name, path in named:
        threads = Counter(one.thread for one in by_path if (one.name, one.path) == (name, path))
        told.append(Place(name, path, max(threads.values())))
    rest = [one for one in done if one not in by_path and (one.path in stable or one.name in (*NAMING, "fsync"))]
    for name in sorted({one.name for one in rest}):
        told.append(Place(name, None, max(Counter(one.thread for one in rest if one.name == name).values())))
    return told


def early_kiss_offs(done: Sequence[Call], raws: Sequence[str], log: str, tty: str) -> list[str]:
    """What is wrong with the order of a call with these messages: written, synced, and only then the modem is told.

    log: path of the journal's log. The first `AT+VTX` greets, each further one kisses a message off.
    """
    plays = [one.begun for one in done if one.path == tty and "AT+VTX" in one.arguments]
    if len(plays) != 1 + len(raws):
        return [f"{len(plays)} times sound was played, not {1 + len(raws)}"]
    wrong = []
    for raw, played in zip(raws, plays[1:], strict=True):
        written = [one.returned for one in done if one.path == log and one.name == "pwrite64" and raw in one.arguments]
        synced = [one.returned for one in done if one.path == log and one.name == "fdatasync"]
        safe = min((at for at in synced if written and at > min(written)), default=None)
        if safe is None:
            wrong.append(f"{raw} was kissed off and never synced")
        elif safe > played:
            wrong.append(f"{raw}: kissed off at line {played} of the trace, synced at line {safe}")
    return wrong
