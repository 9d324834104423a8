"""The fuzz targets in short: each survives its seeds and some seeded changes of them; what fails is found and told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_memory, check_results
from benchmarks.fuzz.runner import inputs, run, tried
from benchmarks.fuzz.seeds import ROOT, WORDS, seeds
from benchmarks.fuzz.targets import TARGETS, Target
from decoder.frame import Frame

RUNS = {"sound": 8, "wav": 15, "pcap": 40, "symbols": 25}  # the costly ones fewer


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_parser_bears_anything(target: Target) -> None:
    outcome = run(target, runs=RUNS.get(target.kind, 60), seed=3)
    assert outcome.runs == RUNS.get(target.kind, 60)
    assert not outcome.crashes, outcome.crashes[0].trace


def test_the_same_seed_gives_the_same_bytes() -> None:
    for target in (TARGETS["sip"], TARGETS["reading"]):
        once, again, other = (inputs(target, seed) for seed in (1, 1, 2))
        firsts = [[next(one) for _ in range(30)] for one in (once, again, other)]
        assert firsts[0] == firsts[1] != firsts[2]


def test_every_kind_has_words_and_files_have_seeds() -> None:
    assert {target.kind for target in TARGETS.values()} == set(WORDS)
    for kind in ("sound", "wav", "pcap", "packets", "sip", "scaip", "toml"):
        assert seeds(kind), kind


def test_what_a_parser_does_not_bear_is_kept_with_its_bytes() -> None:
    def picky(data: bytes) -> None:
        if len(data) > 100:
            raise IndexError("too long\nfor me")

    outcome = run(Target("picky", picky, "symbols"), runs=50)
    (crash,) = outcome.crashes
    assert crash.why == "IndexError: too long"
    assert tried(Target("picky", picky, "symbols"), crash.data) is not None


def test_what_is_drawn_ends_in_zeros() -> None:
    draw = Draw(b"\xff\x80")
    assert [draw.whole(0, 9), draw.chance(128), draw.chance(255), draw.octet(), draw.real(-1, 1)] == [
        5,
        True,
        False,
        0,
        -1,
    ]
    assert Draw(b"").pieces(b"ab") == [b"ab"]


def test_outcomes_that_are_none_are_seen() -> None:
    frame = Frame("a", "12", "1", "1", "2", "", "", 10, 20, 1.5)
    with pytest.raises(AssertionError, match=r"1\.5"):
        check_results([frame], ["a"])
    with pytest.raises(AssertionError, match="holds on"):
        check_memory([[number, [number]] for number in range(40_000)])


def test_a_target_is_run_from_the_command_line() -> None:
    command = [sys.executable, "-m", "benchmarks.fuzz", "g711", "--runs", "5", "--plain"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "g711: 5 runs" in done.stdout
    assert "nothing found" in done.stdout
