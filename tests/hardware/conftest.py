"""Where the two modems of the stories are: real ones by option, simulated ones always.

pytest tests/hardware --line modem:/dev/ttyACM0 --peer modem:/dev/ttyACM1 --number 102 [--by-hand] [-s]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SPEED = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hardware in the loop")
    group.addoption("--line", default=None, help="The modem under test, on the line that is called: modem:/dev/ttyACM0")
    group.addoption("--peer", default=None, help="The modem that calls it, on another line: modem:/dev/ttyACM1")
    group.addoption("--number", default="1", help="The number of --line, as --peer dials it.")
    group.addoption("--by-hand", action="store_true", help="Somebody is there to pull cables when asked; needs -s.")


@dataclass
class Rig:
    """Two modems whose lines lead to each other."""

    line: str
    peer: str
    number: str = "1"
    speed: float = 1.0
    pull: Callable[[], None] | None = None  # the line's cable out
    put_back: Callable[[], None] | None = None
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def simulated(folder: Path) -> Rig:
    """Two simulated modems on ptys, joined by a simulated line."""
    line, peer = folder / "line", folder / "peer"
    rig = Rig(f"modem:{line}?speed={SPEED}", f"modem:{peer}?speed={SPEED}", speed=SPEED)

    def start(link: Path, *options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cli", "sim", "modem", "--json", "--speed", str(SPEED), "--link", str(link)]
        process = subprocess.Popen(
            [*command, *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        rig.processes.append(process)
        return process

    def pull() -> None:
        process = rig.processes.pop(0)
        process.kill()
        process.wait()

    def put_back() -> None:
        start(line, "--caller-id", "before")
        rig.processes.insert(0, rig.processes.pop())

    start(line, "--caller-id", "before")
    start(peer, "--reaches", f"{line}.line", "--no-dtmf-events")
    rig.pull, rig.put_back = pull, put_back
    return rig


def real(config: pytest.Config) -> Rig:
    """What the options name."""
    line, peer = config.getoption("--line", default=None), config.getoption("--peer", default=None)
    if line is None or peer is None:
        pytest.skip("no real modems: --line and --peer name two (docs/how-to/hardware-in-the-loop.md)")
    rig = Rig(line, peer, config.getoption("--number"))
    if config.getoption("--by-hand"):
        rig.pull = lambda: prompt(f"Pull the cable of {line} out now.")
        rig.put_back = lambda: prompt(f"Put the cable of {line} back now.")
    return rig


def prompt(text: str) -> None:
    """Ask the person beside the modems."""
    sys.stdout.write(f"\n>>> {text}\n")
    sys.stdout.flush()


@pytest.fixture(scope="module", params=["simulated", "real"])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = real(request.config) if request.param == "real" else simulated(tmp_path_factory.mktemp("rig"))
    yield made
    made.end()
