"""Teeth: each fault of `tests/planted/` is put into a copy of the program, and its campaign must find it.

    python -m campaigns.planted [NAME …]

What stands before the colon in a patch's first line names the campaign and its options, or a file of tests and
pytest's. Exits 1 if a fault is not found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PATCHES: Final = ROOT / "tests" / "planted"
COPIED: Final = ("decoder", "drivers", "receiver", "scenarios", "sim", "campaigns", "examples", "cli.py", "setup.cfg")
QUICK: Final = {"power_cut"}  # campaigns that find theirs within seconds: part of the tests
PATIENCE_S: Final = 900
SHORT: Final = {"power_cut": ("--cuts", "200", "--runs", "1", "--works", "30", "--jobs", "2")}


def campaign_of(patch: Path) -> list[str]:
    """Name of the campaign, or a file of tests; and the options."""
    return patch.read_text(encoding="utf-8").partition(":")[0].split()


def command_of(patch: Path) -> list[str]:
    """What must exit with 1 on the program with this fault."""
    name, *options = campaign_of(patch)
    if name.startswith("tests/"):
        return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name, *options]
    return [sys.executable, "-m", f"campaigns.{name}", *(options or SHORT[name])]


def is_found(patch: Path) -> bool:
    """Whether the campaign fails on the program with this fault. Raises RuntimeError if the patch no longer fits."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in COPIED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, copy / part)
        applied = subprocess.run(
            ["git", "apply", "-C1", "--unsafe-paths", str(patch)], cwd=copy, capture_output=True, text=True
        )
        if applied.returncode:
            raise RuntimeError(f"{patch.name} does not fit any more: {applied.stderr.strip()}")
        if (name := campaign_of(patch)[0]).startswith("tests/"):
            (copy / name).parent.mkdir(parents=True)
            shutil.copy(ROOT / name, copy / name)
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        command = command_of(patch)
        ended = subprocess.run(command, cwd=copy, capture_output=True, timeout=PATIENCE_S, env=environment)
        return ended.returncode == 1 and b"Traceback" not in ended.stderr  # found, not failed by itself


def main() -> int:
    """Exits 1 if a fault is not found."""
    wanted = sys.argv[1:]
    missed = 0
    for patch in sorted(PATCHES.glob("*.patch")):
        if wanted and patch.stem not in wanted:
            continue
        found = is_found(patch)
        missed += not found
        print(f"{patch.stem}: {'found' if found else 'NOT FOUND'} by {' '.join(campaign_of(patch))}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
