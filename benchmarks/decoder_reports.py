"""All measurements of the decoder one after the other: each script's report in Markdown under build/benchmarks.

    python benchmarks/decoder_reports.py [--frames 20] [--hours 1]      (make benchmark-decoder [FRAMES=20] [HOURS=1])

--frames is calls a point of the keypad's accuracy, --hours the length of the talk-off. Published figures are of
FRAMES=100 HOURS=10, which takes most of a day; every report says in its first lines what it was made with.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
REPORTS = HERE.parent / "build" / "benchmarks"


def main() -> int:
    """Run what is there; the number of scripts that failed, or missed what they promise."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=20)
    options.add_argument("--hours", type=float, default=1)
    chosen = options.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, arguments in (
        ("decoder_accuracy", ["--frames", str(chosen.frames), "--multimon"]),
        ("fsk_accuracy", []),
        ("talk_off", ["--hours", str(chosen.hours)]),
        ("voice_detection", []),
        ("decoder_speed", []),
    ):
        script, report = HERE / f"{name}.py", REPORTS / f"{name}.md"
        if not script.exists():
            print(f"{script.name} is not there")
            continue
        began = time.monotonic()
        with report.open("w") as out:
            code = subprocess.run([sys.executable, str(script), *arguments], stdout=out, check=False).returncode
        print(
            f"{script.name}: {time.monotonic() - began:.0f} s, exit {code}, {report.relative_to(HERE.parent)}",
            flush=True,
        )
        failed += code != 0
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
