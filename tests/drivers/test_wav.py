from __future__ import annotations

import shutil
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.g711 import encode_alaw, encode_ulaw
from decoder.samples import peak_of
from drivers.wav import EXTENSIBLE, FLOAT, PCM, UnreadableAudio, open_raw, open_wav, write


def tone(rate: int, seconds: float = 0.5, hz: float = 1000.0, peak: float = 0.25) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate) * peak


def wav(
    sound: bytes, *, tag: int = PCM, channels: int = 1, rate: int = 8000, bits: int = 16, promised: int = -1
) -> bytes:
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    size = struct.pack("<I", len(sound) if promised < 0 else promised)
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + size + sound


def pcm16(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 32768).astype("<i2")


ENCODED = {
    "8-bit": (PCM, 8, lambda v: (np.rint(v * 128) + 128).astype(np.uint8), 128),
    "16-bit": (PCM, 16, pcm16, 1),
    "24-bit": (PCM, 24, lambda v: np.rint(v * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3], 1),
    "32-bit": (PCM, 32, lambda v: np.rint(v * 2**31).astype("<i4"), 1),
    "float 32": (FLOAT, 32, lambda v: v.astype("<f4"), 1),
    "float 64": (FLOAT, 64, lambda v: v.astype("<f8"), 1),
    "A-law": (6, 8, lambda v: encode_alaw(pcm16(v)), 260),
    "µ-law": (7, 8, lambda v: encode_ulaw(pcm16(v)), 260),
}


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize("extensible", [False, True], ids=["plain", "extensible"])
def test_every_common_coding_gives_the_same_sound(name: str, extensible: bool, tmp_path: Path) -> None:
    tag, bits, coded, error = ENCODED[name]
    values = tone(8000)
    sound = np.ascontiguousarray(coded(values)).tobytes()
    data = wav(sound, tag=tag, bits=bits)
    if extensible:
        form = struct.pack("<HHIIHH", EXTENSIBLE, 1, 8000, 8000 * bits // 8, bits // 8, bits)
        form += struct.pack("<HHIH", 22, bits, 4, tag) + bytes.fromhex("000000001000800000aa00389b71")
        data = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form
        data += b"data" + struct.pack("<I", len(sound)) + sound
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    recording = open_wav(path)
    (samples,) = recording.whole()
    assert recording.layout.problem is None
    assert samples.start == 0
    assert np.abs(samples.pcm.astype(int) - pcm16(values)).max() <= error


@pytest.mark.parametrize("rate", [4000, 7919, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
def test_every_rate_keeps_time_and_level(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(pcm16(tone(rate)).tobytes(), rate=rate))
    (samples,) = open_wav(path).whole()
    expected = pcm16(tone(8000))
    assert len(samples.pcm) == pytest.approx(4000, abs=1)
    inside = slice(200, 3800)
    assert np.abs(samples.pcm[inside].astype(int) - expected[inside]).max() < 0.01 * 8192


@given(
    rate=st.sampled_from([4000, 8000, 11025, 44100, 12345]), length=st.integers(0, 3000), block=st.floats(0.001, 0.2)
)
def test_the_size_of_blocks_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, rate: int, length: int, block: float
) -> None:
    values = np.random.default_rng(length).integers(-20000, 20000, (length, 2)).astype("<i2")
    path = tmp_path_factory.mktemp("blocks") / "a.wav"
    path.write_bytes(wav(values.tobytes(), channels=2, rate=rate))
    recording = open_wav(path)
    whole = recording.whole()
    end = 0
    for parts in recording.blocks(block):
        assert parts[0].start == parts[1].start == end
        np.testing.assert_array_equal(parts[0].pcm, whole[0].pcm[end : parts[0].end])
        np.testing.assert_array_equal(parts[1].pcm, whole[1].pcm[end : parts[1].end])
        end = parts[0].end
    assert end == len(whole[0].pcm) == recording.layout.duration_samples


def test_left_and_right_are_two_directions(tmp_path: Path) -> None:
    left, right = np.arange(100, dtype=np.int16), np.full(60, -5, np.int16)
    write(tmp_path / "a.wav", [left, right])
    recording = open_wav(tmp_path / "a.wav")
    first, second = recording.whole()
    assert recording.layout.names == ("left", "right")
    np.testing.assert_array_equal(first.pcm, left)
    np.testing.assert_array_equal(second.pcm, np.concatenate([right, np.zeros(40, np.int16)]))


def test_chunks_before_the_sound_are_passed_over(tmp_path: Path) -> None:
    data = wav(b"\x01\x00" * 8)
    odd = b"LIST\x05\x00\x00\x00hello\x00"  # an odd chunk is filled up to an even length
    (tmp_path / "a.wav").write_bytes(data[:12] + odd + data[12:])
    assert len(open_wav(tmp_path / "a.wav").whole()[0].pcm) == 8


@pytest.mark.parametrize(
    ("promised", "problem"),
    [
        (16000, None),
        (32000, "cut short: 1.0 s of the promised 2.0 s are there"),
        (0, "cut short: the header was never completed; read to the end of the file"),
        (0xFFFF_FFFF, None),
        (0x7FFF_F000, None),
    ],
)
def test_a_length_that_is_not_the_files(promised: int, problem: str | None, tmp_path: Path) -> None:
    sound = b"\x10\x00" * 8000
    (tmp_path / "a.wav").write_bytes(wav(sound, promised=promised))
    recording = open_wav(tmp_path / "a.wav")
    assert len(recording.whole()[0].pcm) == 8000
    assert recording.layout.problem == problem


def test_rf64_says_its_length_elsewhere(tmp_path: Path) -> None:
    plain = wav(b"\x10\x00" * 8, promised=0xFFFF_FFFF)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, 10, 5, 0)
    (tmp_path / "a.wav").write_bytes(b"RF64\xff\xff\xff\xffWAVE" + ds64 + plain[12:])
    assert len(open_wav(tmp_path / "a.wav").whole()[0].pcm) == 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "neither a WAV"),
        (b"RIFF\0\0\0\0AVI LIST", "neither a WAV"),
        (b"RIFF", "neither a WAV"),
        (wav(b"")[:30], "cut short"),
        (wav(b"")[:40], "without sound"),
        (wav(b"", tag=2, bits=4, channels=1), "coding 2"),
        (wav(b"", tag=PCM, bits=20), "20 bits"),
        (wav(b"", channels=6), "6 channels"),
        (wav(b"", channels=0), "0 channels"),
        (wav(b"", rate=0), "rate of 0"),
        (wav(b"", rate=384_000), "rate of 384000"),
        (wav(b"").replace(struct.pack("<HH", 2, 16), struct.pack("<HH", 7, 16)), "contradicts itself"),
        (wav(b"").replace(b"fmt ", b"fmd "), "no 'fmt ' chunk"),
        (wav(b"").replace(b"fmt \x10\0\0\0", b"fmt \xff\xff\xff\xff"), "without sound"),
    ],
)
def test_what_is_no_recording_says_why(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(UnreadableAudio, match=reason) as error:
        open_wav(tmp_path / "a.wav")
    assert "\n" not in str(error.value)


@given(st.binary(max_size=80), st.integers(0, 44))
def test_any_octets_give_sound_or_one_line(tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int) -> None:
    data = bytearray(wav(b"\x01\x02" * 30))
    data[place : place + len(noise)] = noise
    path = tmp_path_factory.mktemp("noise") / "a.wav"
    path.write_bytes(data)
    with suppress(UnreadableAudio):  # and nothing else
        open_wav(path).whole()


def test_headerless_by_option(tmp_path: Path) -> None:
    values = pcm16(tone(8000, 0.01))
    for kind, coded in [("s16", values), ("ulaw", encode_ulaw(values)), ("alaw", encode_alaw(values))]:
        (tmp_path / kind).write_bytes(coded.tobytes() + (b"\0" if kind == "s16" else b""))
        (samples,) = open_raw(tmp_path / kind, kind).whole()
        assert np.abs(samples.pcm.astype(int) - values).max() <= 260
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UnreadableAudio, match="empty"):
        open_raw(tmp_path / "empty", "ulaw")


def test_sox_reads_what_we_write_and_we_read_what_sox_writes(tmp_path: Path) -> None:
    sox = shutil.which("sox")
    if sox is None:
        pytest.skip("sox is not installed: apt-get install sox")
    values = pcm16(tone(8000, 1.0, peak=peak_of(-10) / 32768))
    write(tmp_path / "ours.wav", [values, values])
    options = ["-r", "44100", "-b", "24", "-D"]
    subprocess.run([sox, tmp_path / "ours.wav", *options, tmp_path / "theirs.wav"], check=True)
    left, right = open_wav(tmp_path / "theirs.wav").whole()
    np.testing.assert_array_equal(left.pcm, right.pcm)
    inside = slice(200, 7800)
    assert np.abs(left.pcm[inside].astype(int) - values[inside]).max() < 0.01 * np.abs(values).max()
