"""What an installation is given: the unit of the service manager, and who goes first on the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from receiver.restarts import PATIENCE

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "systemd" / "yobirin.service"
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def value(name: str) -> str:
    found = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == 1, name
    return str(found[0])


@needs_systemd
def test_the_unit_may_do_very_little() -> None:
    analysed = ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNIT)]
    result = subprocess.run(analysed, capture_output=True, text=True, env={**os.environ, "SYSTEMD_PAGER": ""})
    assert result.returncode == 0, result.stdout.splitlines()[-1]


@needs_systemd
def test_the_unit_is_understood(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace(value("ExecStart").split()[0], sys.executable)
    (tmp_path / UNIT.name).write_text(text, encoding="utf-8")
    result = subprocess.run(["systemd-analyze", "verify", str(tmp_path / UNIT.name)], capture_output=True, text=True)
    complaints = [line for line in result.stderr.splitlines() if UNIT.name in line]
    assert complaints == []


def test_the_unit_starts_again_for_ever_and_watches() -> None:
    assert (value("Restart"), value("StartLimitIntervalSec"), value("Type")) == ("always", "0", "notify")
    assert float(value("WatchdogSec")) >= 3 * PATIENCE.look_s
    assert value("ExecStart").split()[1] == "run"


def test_the_intake_goes_first_where_it_may_and_its_reader_does_not() -> None:
    asked = (
        "import os, resource; from receiver.priority import *\n"
        "go_first(); unasked = os.sched_getscheduler(0)\n"
        "try: resource.setrlimit(resource.RLIMIT_RTPRIO, (PRIORITY, PRIORITY))\n"
        "except (OSError, ValueError): pass\n"
        "go_first(); first = os.sched_getscheduler(0); go_behind()\n"
        "print(unasked, first, os.sched_getscheduler(0), resource.getrlimit(resource.RLIMIT_RTPRIO)[0])"
    )
    result = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    unasked, first, behind, allowed = map(int, result.stdout.split())
    assert unasked == behind == os.SCHED_OTHER
    assert first in ((os.SCHED_FIFO, os.SCHED_OTHER) if allowed else (os.SCHED_OTHER,))
