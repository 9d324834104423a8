from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivers import wav
from drivers.recording import is_capture, read_capture
from drivers.wav import UnreadableAudio
from tests.captures import START_US, Capture


def test_a_recording_is_one_call_without_a_name(tmp_path: Path) -> None:
    left, right = np.arange(80, dtype=np.int16), np.arange(80, dtype=np.int16)[::-1]
    wav.write(tmp_path / "a.wav", [left, right])
    (call,) = read_capture(tmp_path / "a.wav")
    assert (call.call, call.caller, call.started_utc_us, call.problem) == ("", None, None, None)
    assert [channel.name for channel in call.channels] == ["left", "right"]
    np.testing.assert_array_equal(call.channels[1].samples.pcm, right)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    capture = Capture()
    capture.sound(np.zeros(8000, np.int16))
    for form, data in (("pcap", capture.pcap()), ("pcapng", capture.pcapng())):
        path = tmp_path / f"{form}.wav"
        path.write_bytes(data)
        assert is_capture(path)
        (call,) = read_capture(path)
        assert (call.call, call.started_utc_us, len(call.channels[0].samples.pcm)) == ("rtp-1", START_US, 8000)


def test_what_is_wrong_with_the_file_stands_in_every_call(tmp_path: Path) -> None:
    capture = Capture()
    for port in (4000, 4010):
        capture.sound(np.zeros(8000, np.int16), source=("192.0.2.1", port), target=("192.0.2.2", port), ssrc=port)
    (tmp_path / "a.pcap").write_bytes(capture.pcap()[:-1])
    calls = read_capture(tmp_path / "a.pcap")
    assert [call.problem for call in calls] == ["cut short in the middle of packet 100"] * 2


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xd4\xc3\xb2\xa1"])
def test_nothing_to_hear_is_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(UnreadableAudio):
        read_capture(tmp_path / "a")
