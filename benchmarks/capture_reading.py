"""Captured packets a CPU-second, from the file to samples with their losses, against tshark's RTP analysis.

    python benchmarks/capture_reading.py [--calls 10] [--seconds 60]

Ten calls of G.711 in both directions, 20 ms packets. tshark only counts what it finds (`-z rtp,streams`); we decode and
place it as well. Both read the same file, in the same run, one after the other; the ratio is the figure.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers.capture.calls import read_calls
from tests.captures import Capture


def capture(calls: int, seconds: int) -> tuple[bytes, int]:
    pcm = np.random.default_rng(1).integers(-8000, 8000, seconds * 8000).astype(np.int16)
    made = Capture()
    for n in range(calls):
        panel, centre = ("192.0.2.10", 4000 + 2 * n), ("192.0.2.20", 6000 + 2 * n)
        made.sound(pcm, source=panel, target=centre, ssrc=2 * n + 1)
        made.sound(pcm, source=centre, target=panel, ssrc=2 * n + 2)
    return made.pcap(), len(made.frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    octets, packets = capture(options.calls, options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.pcap"
        path.write_bytes(octets)
        began = time.process_time()
        found = read_calls(path)
        ours = packets / (time.process_time() - began)
        assert len(found) == options.calls
        print(f"{packets} packets of {len(found)} calls")
        print(f"yobirin {ours:10.0f} packets a CPU-second")
        tshark = shutil.which("tshark")
        if tshark is None:
            print("tshark is not installed: nothing to compare with")
            return
        command = [tshark, "-r", str(path), "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams"]
        subprocess.run(command, check=True, capture_output=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        theirs = packets / (used.ru_utime + used.ru_stime)
        print(f"tshark  {theirs:10.0f} packets a CPU-second")
        print(f"ratio   {ours / theirs:10.2f}")


if __name__ == "__main__":
    main()
