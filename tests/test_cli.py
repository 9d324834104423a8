"""The command's frame: light to start, one line for every error."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli import COMMANDS


def yobirin(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cli", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_neither_numpy_nor_a_web_framework(arguments: list[str]) -> None:
    code = (
        "import sys, cli\nsys.argv = ['yobirin', *sys.argv[1:]]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'pydantic', 'cryptography', 'starlette', 'sqlite3', 'asyncio'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60).stdout
    assert out.strip().endswith("heavy: []"), out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    done = yobirin(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage:")


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["decode", "--nonsense"], ["case", "accept"], ["case", "accept", "x"], ["run", "--once"]],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    done = yobirin(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("yobirin: ")
