"""The recording of a call: what was heard comes back, and nothing that was altered does."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import g711
from decoder.samples import I16, Samples, Span
from receiver.intake.recorder import CHUNK, Recorder, read

KEY = bytes(range(32))
RNG = np.random.default_rng(1)
FAR: I16 = g711.decode_ulaw(g711.encode_ulaw(RNG.integers(-20_000, 20_000, 5 * CHUNK + 123).astype(np.int16)))


def record(cuts: list[int], near: tuple[int, I16] | None = None, finish: bool = True) -> tuple[bytes, Recorder]:
    recorder, data, at = Recorder("abc", lambda: KEY, os.urandom), b"", 0
    if near is not None:
        recorder.played(*near)
    for end in [*sorted(cuts), len(FAR)]:
        data += recorder.heard(Samples(at, FAR[at:end]))
        at = end
    return data + (recorder.finish() if finish else b""), recorder


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(FAR)), max_size=12))
def test_any_way_of_cutting_the_sound_gives_the_same_recording(cuts: list[int]) -> None:
    tone = np.full(3000, 1000, np.int16)
    heard = read(record(cuts, (CHUNK - 500, tone))[0], "abc", KEY)
    assert heard.whole
    assert np.array_equal(heard.far.pcm, FAR)
    assert np.flatnonzero(heard.near)[0] == CHUNK - 500
    assert np.count_nonzero(heard.near) == 3000


def test_a_crash_loses_less_than_a_second() -> None:
    data, recorder = record(list(range(0, len(FAR), 160)), finish=False)
    heard = read(data, "abc", KEY)
    assert not heard.whole
    assert recorder.samples - len(heard.far.pcm) < 8000
    torn = read(data[:-7], "abc", KEY)
    assert recorder.samples - len(torn.far.pcm) < 8000 + CHUNK


def test_a_tone_cut_short_is_recorded_as_far_as_it_went() -> None:
    recorder = Recorder("abc", lambda: KEY, os.urandom)
    recorder.played(100, np.full(4000, 1000, np.int16))
    recorder.cut(600)
    data = recorder.heard(Samples(0, FAR)) + recorder.finish()
    assert np.count_nonzero(read(data, "abc", KEY).near) == 500


def test_lost_audio_stays_marked_as_lost() -> None:
    recorder = Recorder("abc", lambda: KEY, os.urandom)
    lost = (Span(CHUNK - 100, CHUNK + 100),)
    data = recorder.heard(Samples(0, FAR, lost)) + recorder.finish()
    assert read(data, "abc", KEY).far.lost == lost


def test_sound_waits_for_its_key() -> None:
    keys: list[bytes] = []
    recorder = Recorder("abc", lambda: keys[0] if keys else None, os.urandom)
    assert recorder.heard(Samples(0, FAR)) == b""
    keys.append(KEY)
    assert np.array_equal(read(recorder.finish(), "abc", KEY).far.pcm, FAR)


def test_the_digest_is_of_the_file() -> None:
    data, recorder = record([])
    assert recorder.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("altered", ["byte", "order", "call", "key"])
def test_what_was_altered_is_not_played(altered: str) -> None:
    data, _ = record([])
    call, key = "abc", KEY
    match altered:
        case "byte":
            data = data[:200] + bytes([data[200] ^ 1]) + data[201:]
        case "order":
            head, size = data.index(b"\n") + 1, int.from_bytes(data[20:24], "big") + 4
            data = data[:head] + data[head + size : head + 2 * size] + data[head : head + size]
        case "call":
            call = "abd"
        case "key":
            key = bytes(32)
    with pytest.raises(ValueError):
        read(data, call, key)
