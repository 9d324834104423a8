from __future__ import annotations

import json
import socket
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from decoder.detector import detect_batch
from decoder.formats.contact_id import FORMAT
from decoder.frame import Frame, Rejected
from decoder.reading import Reading
from decoder.samples import Samples
from decoder.symbols import Digit
from receiver.commands.decode import decode
from receiver.errors import BadInput
from sim.commands import sim


def panel(*arguments: object) -> Result:
    return CliRunner().invoke(sim, ["panel", *map(str, arguments)], standalone_mode=False)


def read(path: Path) -> np.ndarray:
    """Channels of a recording, shape (n, channels)."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def frames(pcm: np.ndarray) -> list[Frame | Rejected]:
    reading = Reading((FORMAT,))
    found = [one for symbol in detect_batch([Samples(0, np.ascontiguousarray(pcm))])[0] for one in reading.hear(symbol)]
    return found + reading.tick(len(pcm) + 80_000)


REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "decode-json.md"
EMERGENCY = ("--account", "1234", "--code", "101", "--partition", "01", "--zone", "001")


def test_a_recorded_call(tmp_path: Path) -> None:
    result = panel("--wav", tmp_path / "call.wav", *EMERGENCY, "--then", "602:3:02:003", "--json")
    assert result.return_value == 0
    notes = [json.loads(line) for line in result.output.splitlines()]
    assert [note["what"] for note in notes] == ["dials", "handshake", "sent", "kiss_off", "sent", "kiss_off", "hung_up"]
    sound = read(tmp_path / "call.wav")
    raws = [frame.raw for frame in frames(sound[:, 0]) if isinstance(frame, Frame)]
    assert raws[0] == "123418110101001B"
    assert raws[1].startswith("123418360202003")
    (right,) = detect_batch([Samples(0, np.ascontiguousarray(sound[:, 1]))])
    assert not [symbol for symbol in right if isinstance(symbol, Digit)]
    # The left channel holds the unit's own sound and nothing else: silence while the receiver speaks.
    for note in notes:
        if note["what"] == "kiss_off":
            assert not sound[note["start"] : note["end"], 0].any()


def test_the_reference_shows_the_call_of_the_readme(tmp_path: Path) -> None:
    """`docs/reference/decode-json.md`: field by field; times to 10 ms, levels to 0.5 dB."""
    wav = tmp_path / "call.wav"
    assert panel("--wav", wav, *EMERGENCY).return_value == 0
    heard = CliRunner().invoke(decode, ["--json", str(wav)], standalone_mode=False).stdout.splitlines()
    lines = [json.loads(line) for line in heard]
    shown = [json.loads(line) for line in REFERENCE.read_text().splitlines() if line.startswith('{"file"')]
    assert [one["kind"] for one in shown] == ["digit", "frame"]
    assert f"of its {len(lines)} lines" in " ".join(REFERENCE.read_text().split())
    for one in shown:
        found = next(line for line in lines if line["kind"] == one["kind"])
        assert list(found) == list(one)
        for name in set(one) - {"file"}:
            near = 0.5 if name in ("level_dbm0", "twist_db", "offset_percent") else 1.0 if name == "span_ms" else 0.01
            numeric = isinstance(one[name], float)
            assert found[name] == (pytest.approx(one[name], abs=near) if numeric else one[name]), name


def test_one_channel(tmp_path: Path) -> None:
    assert panel("--wav", tmp_path / "call.wav", "--mono", *EMERGENCY).return_value == 0
    sound = read(tmp_path / "call.wav")
    assert sound.shape[1] == 1
    assert [frame.raw for frame in frames(sound[:, 0]) if isinstance(frame, Frame)] == ["123418110101001B"]


def test_a_wrong_check_digit_is_rejected_and_repeated(tmp_path: Path) -> None:
    result = panel("--wav", tmp_path / "call.wav", *EMERGENCY, "--wrong-digit", 16)
    assert result.return_value == 1
    assert [type(frame) for frame in frames(read(tmp_path / "call.wav")[:, 0])] == [Rejected] * 4


def test_the_same_seed_is_the_same_recording(tmp_path: Path) -> None:
    for name in ("a", "b"):
        panel("--wav", tmp_path / name, *EMERGENCY, "--noise-db", 15, "--voice", 2, "--mishear", 0.3, "--seed", 7)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--account", "12", "--code", "101"), "account must be 4 digits"),
        (("--account", "1234", "--code", "1x1"), "code must be 3 digits"),
        (("--code", "101"), "--code needs --account"),
        (("--account", "1234"), "nothing to do"),
        ((*EMERGENCY, "--then", "1:2:3:4:5"), "expected CODE:QUALIFIER"),
        ((*EMERGENCY, "--on-ms", "inf"), "on_ms is inf"),
        ((*EMERGENCY, "--voice", "1e12"), "voice_s is 1e"),
    ],
)
def test_bad_values_are_one_line(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    result = panel("--wav", tmp_path / "call.wav", *arguments)
    assert isinstance(result.exception, BadInput)
    assert reason in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "call.wav").exists()


def test_places_that_are_not_there(tmp_path: Path) -> None:
    for arguments, reason in (
        (("--wav", tmp_path / "no" / "call.wav"), "No such file or directory"),
        (("--dial", tmp_path / "line"), "no simulated line"),
    ):
        result = panel(*arguments, *EMERGENCY)
        assert isinstance(result.exception, BadInput)
        assert reason in str(result.exception)
    for option in ("--link", "--listen"):
        place = tmp_path / "nowhere" / "modem"
        nowhere = CliRunner().invoke(sim, ["modem", option, str(place)], standalone_mode=False)
        assert isinstance(nowhere.exception, BadInput)
        assert str(place) in str(nowhere.exception)
        assert nowhere.output == ""
    listening = CliRunner().invoke(sim, ["modem", "--listen", str(tmp_path / ("x" * 200))], standalone_mode=False)
    assert isinstance(listening.exception, BadInput)


def test_a_line_that_speaks_something_else(tmp_path: Path) -> None:
    path = tmp_path / "line"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        import threading

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(10_000)

        stranger = threading.Thread(target=answer)
        stranger.start()
        result = panel("--dial", path, *EMERGENCY)
        stranger.join(5)
    assert result.return_value == 1
    assert "the line broke" in result.output


def test_a_modem_takes_no_file_away_for_its_link(tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("kept")
    run = subprocess.run(
        [sys.executable, "-m", "cli", "sim", "modem", "--link", str(mine)], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "no link of ours" in run.stderr
    assert mine.read_text() == "kept"
