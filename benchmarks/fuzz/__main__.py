"""Feed parsers with bytes nobody ever sent, and keep what they do not bear.

    python -m benchmarks.fuzz all --seconds 60
    python -m benchmarks.fuzz sip --runs 10000 --seed 7
    python -m benchmarks.fuzz sip build/fuzz/sip-1f0c3a52        replays

Where atheris is installed (it is no dependency of ours) it guides the bytes by what they reach; --plain does without.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.fuzz.runner import Crash, Outcome, run, tried
from benchmarks.fuzz.seeds import ROOT
from benchmarks.fuzz.targets import TARGETS, Target

KEPT: Final = ROOT / "build" / "fuzz"
SECONDS: Final = 30.0


def main() -> int:
    """0: all went as documented; 1: something did not; 2: bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", choices=("all", *TARGETS), metavar="TARGET", help=f"all, {', '.join(TARGETS)}")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="replay these instead")
    parser.add_argument("--seconds", type=float, help=f"for each target; default {SECONDS:g}")
    parser.add_argument("--runs", type=int, help="of each target, instead of a time")
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    options = parser.parse_args()
    targets = list(TARGETS.values()) if options.target == "all" else [TARGETS[options.target]]
    seconds = SECONDS if options.seconds is None and options.runs is None else options.seconds
    if options.files:
        return max(_replayed(target, path) for target in targets for path in options.files)
    if not options.plain and importlib.util.find_spec("atheris"):
        return max(_guided(target, seconds, options.runs, options.seed) for target in targets)
    return max(_told(target, run(target, runs=options.runs, seconds=seconds, seed=options.seed)) for target in targets)


def _told(target: Target, outcome: Outcome) -> int:
    """Print and keep what came of it."""
    rate = outcome.runs / max(outcome.seconds, 1e-9)
    found = f"{len(outcome.crashes)} faults" if outcome.crashes else "nothing found"
    print(f"{target.name}: {outcome.runs} runs in {outcome.seconds:.0f} s ({rate:.0f}/s), {found}", flush=True)
    for crash in outcome.crashes:
        print(f"  {crash.why}\n  at {crash.where}\n  python -m benchmarks.fuzz {target.name} {_kept(target, crash)}")
    return int(bool(outcome.crashes))


def _kept(target: Target, crash: Crash) -> Path:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{target.name}-{hashlib.sha256(crash.data).hexdigest()[:8]}"
    path.write_bytes(crash.data)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _replayed(target: Target, path: Path) -> int:
    try:
        crash = tried(target, path.read_bytes())
    except OSError as error:
        print(f"{path}: cannot be read ({error.strerror})", file=sys.stderr)
        return 2
    print(f"{target.name}: {path}: " + (crash.trace if crash else "goes as documented"))
    return int(crash is not None)


def _guided(target: Target, seconds: float | None, runs: int | None, seed: int) -> int:
    """In a process of its own: atheris never returns."""
    limit = f"-max_total_time={round(seconds)}" if seconds is not None else f"-runs={runs}"
    command = [sys.executable, "-m", "benchmarks.fuzz.guided", target.name, limit, f"-seed={seed}"]
    return int(subprocess.run(command, cwd=ROOT, check=False).returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
