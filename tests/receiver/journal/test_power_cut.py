"""The mains fail: only what was synced is there for certain, of the rest any part, in any order, torn anywhere.

A real run is recorded system call by system call (strace), then cut at many places; from what a
disk might hold at that instant the journal is started again. A journal with `synchronous=OFF` or
`NORMAL` survives every SIGKILL and fails here.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.journal.verify import verify

WRITER = Path(__file__).with_name("crash_writer.py")
CUTS = int(os.environ.get("YOBIRIN_CUTS", "150"))  # by hand with many thousands
SECTOR = 512
CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat"

CALL = re.compile(
    r"(?P<name>\w+)\((?:AT_FDCWD<[^>]*>, )?(?:\d+<(?P<path>[^>]*)>)?(?:, )?"
    r'(?:"(?P<text>[^"]*)")?(?P<rest>.*)\) += (?P<result>\d+)'
)


@dataclass(frozen=True)
class Step:
    """One call that reached the disk, or a receipt that left the process (`say`)."""

    kind: str
    path: str
    data: bytes = b""
    at: int = 0


def recorded(folder: Path, trace: Path) -> list[Step]:
    """What the calls did, in the order in which they returned."""
    begun: dict[str, str] = {}
    steps = []
    for line in trace.read_text().splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if text.startswith("<..."):
            text = begun.pop(thread) + text.partition("resumed>")[2]
        if (found := CALL.match(text)) is not None:
            steps += list(step_of(folder, found))
    return steps


def step_of(folder: Path, call: re.Match[str]) -> Iterator[Step]:
    name, numbers = call["name"], re.findall(r"\d+", call["rest"])
    path, data = unescaped(call["path"]).decode(), unescaped(call["text"])
    if name == "write" and path.startswith("pipe:"):
        yield Step("say", "", data)
    elif name.startswith("unlink"):
        yield Step("unlink", data.decode())
    elif not path.startswith(str(folder)):
        return
    elif name == "pwrite64":
        yield Step("write", path, data[: int(call["result"])], int(numbers[-1]))
    elif name == "ftruncate":
        yield Step("truncate", path, at=int(numbers[-1]))
    else:
        yield Step("sync", path)


def unescaped(text: str | None) -> bytes:
    """strace -xx writes every byte as \\x and two digits."""
    return bytes.fromhex((text or "").replace("\\x", ""))


def applied(content: bytes | None, step: Step) -> bytes | None:
    if step.kind == "unlink":
        return None
    content = content or b""
    if step.kind == "truncate":
        return content[: step.at].ljust(step.at, b"\0")
    return content.ljust(step.at, b"\0")[: step.at] + step.data + content[step.at + len(step.data) :]


def torn(step: Step, chance: random.Random) -> Iterator[Step]:
    """The sectors of a write that happened to arrive."""
    if step.kind != "write":
        yield from [step] * chance.randint(0, 1)
        return
    whole = chance.random()
    for at in range(0, len(step.data), SECTOR):
        if whole < 0.4 or (whole < 0.7 and chance.random() < 0.5):
            yield Step("write", step.path, step.data[at : at + SECTOR], step.at + at)


def disk_after(steps: Sequence[Step], chance: random.Random) -> dict[str, bytes]:
    """Files as they may be found: all that was synced, and any of the rest.

    A write is certain once its file was synced, a removed name once its folder was.
    """
    disk: dict[str, bytes | None] = {}
    synced = {step.path: n for n, step in enumerate(steps) if step.kind == "sync"}
    for n, step in enumerate(steps):
        if step.kind in ("sync", "say") or step.path.endswith("-shm"):
            continue
        guarded_by = str(Path(step.path).parent) if step.kind == "unlink" else step.path
        for part in [step] if n < synced.get(guarded_by, -1) else torn(step, chance):
            disk[step.path] = applied(disk.get(step.path), part)
    return {path: content for path, content in disk.items() if content is not None}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt-get install strace")
def test_every_receipt_survives_a_power_cut(
    tmp_path: Path, fresh_store: Callable[[Path], Store], tally: Callable[[], Any]
) -> None:
    folder, trace = tmp_path / "run", tmp_path / "trace"
    folder.mkdir()
    subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "99999", "-o", trace, "-e", f"trace={CALLS}",
         sys.executable, WRITER, folder, "5", "40"],
        check=True, stdout=subprocess.PIPE, timeout=120,
    )  # fmt: skip
    steps = recorded(folder, trace)
    assert len([step for step in steps if step.kind == "say"]) == 40
    assert any(step.kind == "write" and step.path.endswith("journal.db") for step in steps), "no checkpoint in it"
    chance = random.Random()
    for number in range(CUTS):
        seed = chance.randrange(1 << 32)
        cut = random.Random(seed).randrange(len(steps) + 1)
        survived(tmp_path / f"cut{number}", folder, steps[:cut], seed, fresh_store, tally)


def survived(
    after: Path, before: Path, steps: Sequence[Step], seed: int, fresh_store: Callable[[Path], Store], tally: Any
) -> None:
    after.mkdir()
    for path, content in disk_after(steps, random.Random(seed)).items():
        (after / Path(path).relative_to(before)).write_bytes(content)
    store = fresh_store(after)  # it starts again, whatever was found
    said = [step.data.decode().split() for step in steps if step.kind == "say"]
    reader = Reader(after / "journal.db")
    hashes = {record.seq: record.hash for record in reader.after(0, limit=100_000)}
    lost = [seq for seq, hash_ in said if hashes.get(int(seq)) != hash_]
    assert lost == [], f"receipts lost by a cut after {len(steps)} calls, seed {seed}"
    assert verify(after / "journal.db", keys=store._keys, projections=[tally()]).findings == []
    reader.close()
    store.close()
    shutil.rmtree(after)
