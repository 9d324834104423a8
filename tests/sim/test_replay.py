"""`yobirin replay`, as the command it is: into a real intake, over lines good and bad."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decoder.exchange import Message
from decoder.registry import by_name
from decoder.samples import I16, RATE_HZ
from decoder.synth import dtmf
from tests.captures import Capture, event, rtp


def write_wav(path: Path, pcm: I16) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())


def unit_sound(*messages: Message) -> I16:
    """A unit's side of a call: half a second, and each message followed by the time for a kiss-off."""
    parts = [np.zeros(RATE_HZ // 2, np.int16)]
    for message in messages:
        parts += [dtmf(by_name("contact-id").encode(message)), np.zeros(2 * RATE_HZ, np.int16)]
    return np.concatenate(parts)


def yobirin(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    write_wav(path, unit_sound(Message("1234", "101", partition="01", zone="001"), Message("1234", "302")))
    return path


def test_a_recording_is_received_stored_and_kissed_off(call: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = yobirin(
        "replay", call, "--data", data, "--through", "noise=20,echo=-20/15", "--caller", "0775610000", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["frames"], told["kissed_off"], told["rejected"]) == (2, 2, 0)
    exported = yobirin("events", "export", "--data", data, "--json")
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [row["raw"] for row in rows] == ["123418110101001B", "1234181302000005"]
    assert [row["id"] for row in rows] == told["receptions"]
    assert all(row["kissed_off_at_unix"] > row["received_at_unix"] for row in rows)
    assert rows[0]["caller_id"] == "0775610000"


def test_a_line_too_bad_gives_no_frame_but_an_unknown_emergency(call: Path, tmp_path: Path) -> None:
    done = yobirin("replay", call, "--data", tmp_path / "data", "--through", "loss=25/4", "--json")
    told = json.loads(done.stdout)
    assert told["frames"] == told["kissed_off"]  # whatever came through whole was acknowledged
    assert len(told["receptions"]) >= 1


def test_a_used_installation_is_not_filled_with_recordings_by_mistake(call: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert yobirin("replay", call, "--data", data).returncode == 0
    refused = yobirin("replay", call, "--data", data)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert yobirin("replay", call, "--data", data, "--yes").returncode == 0


def exported(data: Path) -> list[dict[str, Any]]:
    done = yobirin("events", "export", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_its_times_are_those_of_a_line(call: Path, tmp_path: Path) -> None:
    """A kiss-off cannot be over 130 ms after the last digit: it lasts 0.8 s and more, and waits 100 ms."""
    data = tmp_path / "data"
    before = time.time()
    assert yobirin("replay", call, call, "--data", data).returncode == 0
    assert yobirin("replay", call, "--data", data, "--yes").returncode == 0
    rows = exported(data)
    assert len(rows) == 6
    for row in rows:
        assert 0.85 <= row["kissed_off_at_unix"] - row["received_at_unix"] <= 1.6
    heard = [row["received_at_unix"] for row in rows]
    assert heard == sorted(heard)
    assert before - 60 < heard[0]
    assert heard[3] <= time.time()
    between = heard[1] - heard[0]  # of one call: 1.5 s of digits and 2 s of silence
    assert 3.3 < between < 3.9
    assert [row["duplicate_of"] for row in rows] == [None] * 6


def speech() -> I16:
    """Eight seconds of nothing, then bursts such as somebody's syllables, and nothing again."""
    rng = np.random.default_rng(5)
    syllable = np.concatenate([rng.normal(0, 3000, 1200), np.zeros(400)])
    parts = [np.zeros(12 * RATE_HZ), np.tile(syllable, 12), np.zeros(RATE_HZ)]
    return np.concatenate(parts).astype(np.int16)


def speech_alone() -> Capture:
    capture = Capture()
    capture.sound(np.zeros(16 * RATE_HZ, np.int16), source=("192.0.2.20", 5000), target=("192.0.2.10", 4000), ssrc=8)
    capture.sound(speech())
    return capture


def frame_as_events() -> Capture:
    """A gateway that passes digits on as RFC 4733 events, beside silent sound."""
    capture, keys = Capture(), by_name("contact-id").encode(Message("1234", "101", partition="01", zone="001"))
    silent = np.zeros(4 * RATE_HZ, np.int16)
    capture.sound(silent, drop=frozenset(n for n in range(25, 25 + 5 * len(keys))))
    for place, key in enumerate(keys):
        at_ms = 500 + place * 100
        for packet in range(5):  # the end is sent three times
            data = event("0123456789*#ABCD".index(key), min(packet + 1, 3) * 160, end=packet >= 2)
            number, stamp = 1025 + place * 5 + packet, 50_000 + at_ms * 8
            body = rtp(number, stamp, data, kind=101, marker=packet == 0)
            capture.udp(at_ms + packet * 20, ("192.0.2.10", 4000), ("192.0.2.20", 5000), body)
    return capture


def folder_line(folder: Path, data: Path) -> None:
    """The same files taken by a real intake from a `pcap:` folder."""
    command = [sys.executable, "-m", "cli", "intake", "--data", str(data), "--line", f"pcap:{folder}"]
    intake = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert intake.stderr is not None
    for line in intake.stderr:
        if "recording taken" in line:
            break
    os.kill(intake.pid, signal.SIGTERM)
    intake.communicate(timeout=20)


@pytest.mark.parametrize("made", [speech_alone, frame_as_events])
def test_a_capture_ends_with_the_receptions_that_the_folder_line_gives(made: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "call.pcap").write_bytes(made().pcap())
    assert yobirin("replay", folder / "call.pcap", "--data", tmp_path / "replayed").returncode == 0
    folder_line(folder, tmp_path / "taken")
    same = ("raw", "account", "code", "format", "caller_id", "duplicate_of")
    replayed, taken = exported(tmp_path / "replayed"), exported(tmp_path / "taken")
    assert [[row[name] for name in same] for row in replayed] == [[row[name] for name in same] for row in taken]
    assert len(taken) == 1


def test_what_cannot_be_read_is_one_line(call: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    partly = yobirin("replay", bad, call, "--data", tmp_path / "data")
    assert partly.returncode == 1
    assert "Traceback" not in partly.stderr
    for data in ("other", "data"):  # what is wrong with the file comes before what is wrong with the folder
        nothing = yobirin("replay", bad, "--data", tmp_path / data)
        assert (nothing.returncode, len(nothing.stderr.splitlines())) == (2, 1)
        assert str(bad) in nothing.stderr
    both = yobirin("replay", bad, tmp_path / "gone.wav", "--data", tmp_path / "other")
    assert (both.returncode, len(both.stderr.splitlines())) == (2, 3)
    for through in ("nose=3", "noise=abc", "loss=1/x", "echo=", "gain=nan"):
        refused = yobirin("replay", call, "--through", through)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert "float" not in refused.stderr
        assert through.partition("=")[0] in refused.stderr
