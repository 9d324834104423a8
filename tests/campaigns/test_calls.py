"""strace's lines as calls, where to kill, and the order of a commit and its kiss-off."""

from __future__ import annotations

import pytest

from campaigns.calls import Place, calls, early_kiss_offs, places

LOG, TTY = "/s/intake.db-wal", "/dev/pts/3"
RAW = "123418110100001B"
TRACE = f"""\
7 write(9<{TTY}>, "AT+VTX\\r", 7) = 7
8 pwrite64(5<{LOG}>, "... {RAW} ...", 4096, 0) = 4096
8 fdatasync(5<{LOG}> <unfinished ...>
7 write(2</s/log>, "12:00", 5) = 5
8 <... fdatasync resumed>) = 0
7 write(9<{TTY}>, "AT+VTX\\r", 7) = 7
8 unlink("/s/intake.db-journal") = 0
""".splitlines()


def test_a_call_that_another_thread_interrupted_is_one() -> None:
    sync = next(one for one in calls(TRACE) if one.name == "fdatasync")
    assert (sync.thread, sync.path, sync.begun, sync.returned) == ("8", LOG, 2, 4)


def test_places_are_counted_by_file_where_its_name_stays() -> None:
    assert set(places(list(calls(TRACE)), [LOG, TTY])) == {
        Place("write", TTY, 2), Place("pwrite64", LOG, 1), Place("fdatasync", LOG, 1), Place("unlink", None, 1),
    }  # fmt: skip


def test_the_order_of_a_sound_receiver() -> None:
    assert early_kiss_offs(list(calls(TRACE)), [RAW], LOG, TTY) == []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([*TRACE[:4], TRACE[5], TRACE[4]], "kissed off at line 4 of the trace, synced at line 5"),
        ([*TRACE[:2], TRACE[5]], "never synced"),
        (TRACE[:5], "1 times sound was played, not 2"),
    ],
)
def test_a_kiss_off_that_comes_before_its_sync_is_seen(lines: list[str], why: str) -> None:
    (found,) = early_kiss_offs(list(calls(lines)), [RAW], LOG, TTY)
    assert why in found
