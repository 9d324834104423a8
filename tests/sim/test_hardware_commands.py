"""The two simulated ends of a computer port, as commands: each against the other, over TCP and a serial port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from receiver.errors import BadInput
from sim.hardware_commands import program, receiver

FRAMES = ["5011 181234E10100001", "3011      1234MA0001"]
RUN = "import sys; from sim.hardware_commands import {0}; sys.exit({0}(sys.argv[1:], standalone_mode=False))"


def start(command: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(command), *arguments, "--json"], stdout=subprocess.PIPE, text=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def told(process: subprocess.Popen[str]) -> list[dict[str, str]]:
    out, _ = process.communicate(timeout=60)
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("make", ["surgard", "ademco685"])
def test_over_tcp(make: str) -> None:
    frames = FRAMES if make == "surgard" else ["11 1234 18 E101 00 C001", "12 1234 7"]
    port = free_port()
    sender = start("receiver", f"listen://127.0.0.1:{port}", *frames, "--make", make)
    taker = start("program", f"tcp://127.0.0.1:{port}", "--make", make, "--frames", "2")
    assert [one["frame"] for one in told(taker) if one["what"] == "stored"] == frames
    assert [one["frame"] for one in told(sender) if one["what"] == "taken"] == frames
    assert sender.returncode == 0


def test_the_end_of_a_frame_comes_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as computer:
        computer.settimeout(60)
        sender = start("receiver", f"tcp://127.0.0.1:{computer.getsockname()[1]}", FRAMES[0], "--half")
        connection, _ = computer.accept()
        with connection:
            connection.settimeout(60)
            got = b""
            while got.count(b"\x14") < 2:
                got += connection.recv(100)
            connection.sendall(b"\x06")
            assert sender.wait(60) == 0
    assert got.split(b"\x14")[:2] == [b"34E10100001", FRAMES[0].encode()]


def test_a_program_that_says_nothing_is_given_up() -> None:
    port = free_port()
    taker = start("program", f"listen://127.0.0.1:{port}", "--silent")
    sender = start("receiver", f"tcp://127.0.0.1:{port}", *FRAMES, "--ack-wait-s", "0.1")
    said = told(sender)
    taker.terminate()
    taker.communicate(timeout=60)
    assert sender.returncode == 1
    assert [one["frame"] for one in said if one["what"] == "not taken"] == FRAMES


def test_on_a_serial_port(tmp_path: Path) -> None:
    link = tmp_path / "com1"
    sender = start("receiver", f"pty:{link}", *FRAMES)
    assert sender.stdout is not None
    assert json.loads(sender.stdout.readline())["what"] == "ready"
    taker = start("program", str(link), "--frames", "2")
    assert [one["frame"] for one in told(taker) if one["what"] == "stored"] == FRAMES
    sender.communicate(timeout=60)
    assert sender.returncode == 0
    assert not link.is_symlink()


@pytest.mark.parametrize("command", [receiver, program])
@pytest.mark.parametrize("place", ["udp://x:1", "tcp://", "listen://127.0.0.1:99999"])
def test_a_place_that_is_none(command: click.Command, place: str) -> None:
    result = CliRunner().invoke(command, [place], standalone_mode=False)
    assert isinstance(result.exception, BadInput)
    assert "is no place" in str(result.exception)


@pytest.mark.parametrize("frame", ["5011\x14", "5011 é"])
def test_a_frame_that_is_none(frame: str) -> None:
    result = CliRunner().invoke(receiver, ["tcp://127.0.0.1:1", frame], standalone_mode=False)
    assert isinstance(result.exception, BadInput)


def test_a_port_in_use_is_said_and_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-c", RUN.format("program"), f"listen://127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = process.stderr.readline()
        process.terminate()
        process.communicate(timeout=60)
    assert said.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert said.endswith("; it is tried again\n")


def test_a_file_where_the_port_is_to_be_stays(tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("kept")
    with pytest.raises(BadInput, match="no link of ours"):
        program.main([f"pty:{mine}"], standalone_mode=False)
    assert mine.read_text() == "kept"
