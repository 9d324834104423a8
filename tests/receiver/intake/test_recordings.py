"""What a recorded call says, and folders in which each recording is taken once."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT, encode
from decoder.samples import I16, RATE_HZ, Samples, Span, from_ms
from decoder.symbols import Digit, Witness
from decoder.synth import dtmf, steps
from receiver.intake.recordings import Direction, transcribe
from receiver.journal.reader import Reader
from sim.phone import voice

BUTTON = Message("1234", "101", partition="01", zone="001")
RAW = "123418110101001B"


def quiet(seconds: float) -> I16:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def sent(message: Message = BUTTON) -> I16:
    return np.concatenate([dtmf(encode(message)), quiet(0.5)])


def direction(*parts: I16, name: str = "left", events: tuple[Digit, ...] = ()) -> Direction:
    return Direction(name, Samples(0, np.concatenate(parts)), events)


def test_the_same_digits_without_a_kiss_off_between_are_a_repetition() -> None:
    said = transcribe([direction(quiet(1), sent(), quiet(1), sent(), quiet(1), sent())], [FORMAT])
    assert [(frame.raw, repeats) for frame, repeats in said.frames] == [(RAW, None), (RAW, 0), (RAW, 0)]


def test_a_kiss_off_in_either_direction_makes_them_a_second_press() -> None:
    left = direction(quiet(1), sent(), quiet(2), sent())
    right = direction(quiet(1), quiet(len(sent()) / RATE_HZ), steps(FORMAT.kiss_off), quiet(3), name="right")
    said = transcribe([left, right], [FORMAT])
    assert [repeats for _, repeats in said.frames] == [None, None]


def test_a_frame_heard_in_both_directions_is_one() -> None:
    loud, soft = sent(), (sent() // 8).astype(np.int16)
    said = transcribe([direction(quiet(1), loud), direction(quiet(1.02), soft, name="right")], [FORMAT])
    assert [frame.raw for frame, _ in said.frames] == [RAW]
    assert said.rejected == ()


def test_digits_that_came_as_events_are_digits() -> None:
    events = tuple(
        Digit(key, 8000 + 800 * place, 8400 + 800 * place, -10, 0, 0, 1.0, witness=Witness.EVENT)
        for place, key in enumerate(encode(BUTTON))
    )
    said = transcribe([direction(quiet(4), events=events)], [FORMAT])
    assert [frame.raw for frame, _ in said.frames] == [RAW]


SPOKEN = np.concatenate([quiet(1), voice(2 * RATE_HZ, np.random.default_rng(1)), quiet(1)])


def test_who_speaks_between_lost_packets_is_heard() -> None:
    lost = tuple(Span(at, at + 160) for at in range(1440, len(SPOKEN), 1600))
    torn = SPOKEN.copy()
    for one in lost:
        torn[one.start : one.end] = 0
    assert transcribe([Direction("left", Samples(0, torn, lost))], [FORMAT]).voiced > RATE_HZ


def test_who_speaks_until_the_recording_ends_is_heard() -> None:
    assert transcribe([direction(SPOKEN[: RATE_HZ + RATE_HZ // 2])], [FORMAT]).voiced >= from_ms(450)


def test_digits_far_apart_are_one_message_as_on_a_line() -> None:
    """Time passes between symbols up to where each begins, not up to where it ends, nor only behind the last."""
    slow = dtmf(encode(BUTTON), off_ms=180)
    said = transcribe([direction(quiet(1), slow, quiet(1), sent(Message("5678", "302")))], [FORMAT])
    assert [frame.raw for frame, _ in said.frames] == [RAW, "5678181302000004"]


def test_silence_says_nothing() -> None:
    said = transcribe([direction(quiet(5))], [FORMAT])
    assert (said.frames, said.rejected, said.digits, said.voiced) == ((), (), 0, 0)


# ── a folder line of the running daemon ───────────────────────────────────────────────────────


def write_wav(path: Path, pcm: I16) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())


class Daemon:
    """`yobirin intake` on one folder."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.data = data
        arguments = ["intake", "--data", str(data), "--line", f"wav:{folder}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def taken(self, count: int) -> list[str]:
        """Lines until `count` recordings are taken."""
        assert self.process.stderr is not None
        lines: list[str] = []
        while sum("recording taken" in line for line in lines) < count:
            line = self.process.stderr.readline()
            assert line, lines
            lines.append(line)
        return lines

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0

    def records(self) -> list[dict[str, Any]]:
        reader = Reader(self.data / "intake" / "intake.db")
        try:
            return [{"type": record.type, **record.payload} for record in reader.after(0)]
        finally:
            reader.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def test_each_recording_is_taken_once_whatever_its_name(folder: Path, tmp_path: Path) -> None:
    write_wav(folder / "tanaka-hanako.wav", np.concatenate([quiet(1), sent()]))
    (folder / "broken.wav").write_bytes(b"RIFF nonsense")
    (folder / "half.wav.part").write_bytes(b"RIFF")
    daemon = Daemon(tmp_path / "data", folder)
    daemon.taken(2)
    daemon.stop()
    (folder / "tanaka-hanako.wav").rename(folder / "again.wav")
    write_wav(folder / "second.wav", np.concatenate([quiet(1), sent(Message("5678", "302"))]))
    daemon = Daemon(tmp_path / "data", folder)
    daemon.taken(1)
    daemon.stop()
    records = daemon.records()
    frames = [record for record in records if record["type"] == "frame.accepted"]
    assert [frame["raw"] for frame in frames] == [RAW, "5678181302000004"]
    assert all(frame["no_kiss_off"] and len(frame["source"]) == 64 for frame in frames)
    taken = [record for record in records if record["type"] == "recording.taken"]
    assert sorted(record["problem"] is not None for record in taken) == [False, False, True]
    assert "tanaka" not in json.dumps(records)


def test_a_folder_that_is_not_there_is_a_fault_that_heals(folder: Path, tmp_path: Path) -> None:
    missing = tmp_path / "later"
    daemon = Daemon(tmp_path / "data", missing)
    assert daemon.process.stderr is not None
    while "line.fault" not in (line := daemon.process.stderr.readline()):
        assert line
    missing.mkdir()
    while "hears again" not in (line := daemon.process.stderr.readline()):
        assert line
    daemon.stop()
