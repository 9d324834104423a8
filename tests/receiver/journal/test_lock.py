"""One writer, however the last one ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.journal.lock import WriterLock

HOLD = """
import sys, time
from pathlib import Path
from receiver.journal.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_held_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "konan" / "writer"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreUnavailable, match=f"process {holder.pid} is writing"):
        WriterLock(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with WriterLock(path):
        assert path.read_text() == f"{os.getpid()}\n"
        with pytest.raises(StoreUnavailable):
            WriterLock(path)
    WriterLock(path).release()
