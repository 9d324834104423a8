"""What is said when nobody can hear it: nothing breaks, nothing waits, and the gap is named afterwards."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.report import OCTETS_MAX, Report


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            pass


def test_a_line_is_there_at_once(pipe: tuple[int, int]) -> None:
    report = Report(lambda: pipe[1])
    report("alarm: 回線 modem:/dev/ttyACM0")
    assert os.read(pipe[0], 1000).decode() == "alarm: 回線 modem:/dev/ttyACM0\n"
    assert report.unwritten == 0


def test_one_line_stays_one_line(pipe: tuple[int, int]) -> None:
    """Names of files come from outside: no line break, no terminal escape, no stray surrogate."""
    Report(lambda: pipe[1])("a\nb\x1b[2Jc\udcff")
    assert os.read(pipe[0], 1000) == b"a b [2Jc \n"


def test_a_reader_who_is_gone_breaks_nothing(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    report = Report(lambda: pipe[1])
    for _ in range(3):
        report("alarm")
    assert report.unwritten == 3


def test_a_full_disk_breaks_nothing() -> None:
    with Path("/dev/full").open("wb") as full:
        report = Report(full.fileno)
        report("alarm")
        assert report.unwritten == 1


@pytest.mark.parametrize("stderr", [None, io.StringIO()], ids=["closed at the start", "no file"])
def test_no_standard_error_at_all(stderr: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    report = Report()
    report("alarm")
    assert report.unwritten == 1


def test_a_closed_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    report = Report()
    report("alarm")
    assert report.unwritten == 1


def test_a_reader_who_stopped_reading_holds_nobody_up_and_hears_of_the_gap(pipe: tuple[int, int]) -> None:
    report = Report(lambda: pipe[1])
    while not report.unwritten:  # would never end if it waited
        report("x" * 1000)
    report("y")
    assert report.unwritten == 2
    os.read(pipe[0], 1 << 20)
    report("z")
    assert os.read(pipe[0], 1000) == b"(2 lines before this one could not be written)\nz\n"
    assert report.unwritten == 0


def test_a_line_without_end_is_cut(pipe: tuple[int, int]) -> None:
    Report(lambda: pipe[1])("x" * 100_000)
    assert len(os.read(pipe[0], 100_000)) == OCTETS_MAX
