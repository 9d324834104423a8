"""Teeth: each fault of `tests/planted/` is put into a copy of the program, and its campaign must find it.

    python -m campaigns.planted [NAME …]

The first word of a patch names the campaign. Exits 1 if a fault is not found.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PATCHES: Final = ROOT / "tests" / "planted"
COPIED: Final = ("decoder", "drivers", "receiver", "scenarios", "sim", "campaigns", "cli.py")
SHORT: Final = {"power_cut": ("--cuts", "200", "--runs", "1", "--works", "30", "--jobs", "2")}


def campaign_of(patch: Path) -> str:
    return patch.read_text(encoding="utf-8").partition(":")[0]


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
            ["git", "apply", "--unsafe-paths", str(patch)], cwd=copy, capture_output=True, text=True
        )
        if applied.returncode:
            raise RuntimeError(f"{patch.name} does not fit any more: {applied.stderr.strip()}")
        campaign = campaign_of(patch)
        command = [sys.executable, "-m", f"campaigns.{campaign}", *SHORT[campaign]]
        return subprocess.run(command, cwd=copy, capture_output=True, timeout=600).returncode == 1


def main() -> int:
    """Exits 1 if a fault is not found."""
    wanted = sys.argv[1:]
    missed = 0
    for patch in sorted(PATCHES.glob("*.patch")):
        if wanted and patch.stem not in wanted:
            continue
        found = is_found(patch)
        missed += not found
        print(f"{patch.stem}: {'found' if found else 'NOT FOUND'} by {campaign_of(patch)}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
