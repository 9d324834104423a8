"""Killed at any moment, or failed by the disk at any moment: every receipt that left the process still holds."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.journal.projection import rebuild
from receiver.journal.reader import Reader
from receiver.journal.verify import verify
from receiver.privacy.keys import KeyRing

ROUNDS = int(os.environ.get("YOBIRIN_KILLS", "30"))  # by hand with thousands
WRITER = Path(__file__).with_name("crash_writer.py")


def receipts(lines: bytes) -> list[tuple[int, str]]:
    """What came through the pipe; a line cut by the kill was never said."""
    whole = lines[: lines.rfind(b"\n") + 1].decode().split()
    return [(int(seq), hash_) for seq, hash_ in zip(whole[::2], whole[1::2], strict=True)]


def check(folder: Path, said: list[tuple[int, str]], installation_key: bytes, tally: Callable[[], Any]) -> int:
    """All that was said is there; the chain is whole; projections equal a rebuild. Returns the number of events."""
    path = folder / "journal.db"
    reader = Reader(path)
    by_seq = {record.seq: record.hash for record in reader.after(0, limit=1_000_000)}
    reader.close()
    assert [pair for pair in said if by_seq.get(pair[0]) != pair[1]] == []
    keys = KeyRing.open(folder / "keys.db", installation_key, writable=False)
    assert verify(path, keys=keys, projections=[tally()]).findings == []
    keys.close()
    return len(by_seq)


@pytest.mark.slow
def test_sigkill_at_random_moments_under_load(
    tmp_path: Path, installation_key: bytes, tally: Callable[[], Any]
) -> None:
    chance = random.Random(119)
    said: list[tuple[int, str]] = []
    for number in range(ROUNDS):
        writer = subprocess.Popen([sys.executable, WRITER, tmp_path, str(number)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        killer = threading.Timer(chance.uniform(0, 0.08), writer.kill)
        killer.start()
        said += receipts(first + writer.stdout.read())
        killer.join()
        assert writer.wait() == -signal.SIGKILL
        check(tmp_path, said, installation_key, tally)
    assert len(said) > ROUNDS
    path = tmp_path / "journal.db"
    before = [tuple(row) for row in Reader(path).rows("SELECT * FROM tally")]
    rebuild(path, [tally()])
    assert [tuple(row) for row in Reader(path).rows("SELECT * FROM tally")] == before


@pytest.mark.parametrize("limit", [24_000, 60_000, 100_000, 200_000])
def test_a_full_disk_gives_no_receipt_and_loses_none(
    tmp_path: Path, installation_key: bytes, tally: Callable[[], Any], limit: int
) -> None:
    """The kernel refuses every write beyond `limit` bytes, wherever in a transaction that falls."""

    def full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    subprocess.run([sys.executable, WRITER, tmp_path, "0", "1"], stdout=subprocess.DEVNULL, check=True)
    ended = subprocess.run(
        [sys.executable, WRITER, tmp_path, "0"], capture_output=True, preexec_fn=full_disk, timeout=60, check=False
    )  # fmt: skip
    assert ended.returncode == 75, ended.stderr
    events = check(tmp_path, receipts(ended.stdout), installation_key, tally)
    again = subprocess.run([sys.executable, WRITER, tmp_path, "1", "5"], capture_output=True, check=True)
    assert check(tmp_path, receipts(again.stdout), installation_key, tally) >= events + 5


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt-get install strace")
@pytest.mark.parametrize(("calls", "most"), [("pwrite64", 40), ("fdatasync", 9)])
@pytest.mark.parametrize("fault", ["error=EIO", "error=ENOSPC", "signal=KILL"])
def test_failing_at_the_nth_call_that_writes(
    tmp_path: Path, installation_key: bytes, tally: Callable[[], Any], calls: str, most: int, fault: str
) -> None:
    """Four places out of `most`, drawn anew each time: over many runs, all of them."""
    subprocess.run([sys.executable, WRITER, tmp_path, "0", "1"], stdout=subprocess.DEVNULL, check=True)
    said: list[tuple[int, str]] = []
    injected = 0
    for nth in random.sample(range(1, most), 4):
        ended = subprocess.run(
            ["strace", "-f", "-qq", "-o", tmp_path / "trace", "-e", f"trace={calls}",
             "-e", f"inject={calls}:{fault}:when={nth}", sys.executable, WRITER, tmp_path, str(nth), "6"],
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        said += receipts(ended.stdout)
        injected += "INJECTED" in (tmp_path / "trace").read_text() or ended.returncode == -signal.SIGKILL
        assert ended.returncode in (0, 75, -signal.SIGKILL), ended.stderr.decode()
        check(tmp_path, said, installation_key, tally)
    assert injected > 0
