"""The recordings of the keypad formats are what their maker makes; what they hold is tried with all others."""

from __future__ import annotations

import json
import wave

import numpy as np
import pytest

from tests.corpus import make_keypad

CASES = {f"{path.parent.name}/{path.name}": (path, case) for path, case in make_keypad.cases()}


@pytest.mark.parametrize("name", CASES)
def test_the_corpus_is_what_its_maker_makes(name: str) -> None:
    path, case = CASES[name]
    with wave.open(str(path.with_suffix(".wav"))) as recording:
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
    assert np.array_equal(sound, case.sound)
    expected = json.loads(path.with_suffix(".json").read_text())
    assert (expected["frames"], tuple(expected["rejected"])) == (case.frames, case.rejected)


def test_every_recording_has_a_maker() -> None:
    there = {
        f"{path.parent.name}/{path.stem}"
        for folder in make_keypad.FOLDERS
        for path in (make_keypad.HERE / folder).glob("*.wav")
    }
    assert there == set(CASES)
