"""`yobirin profile` as a stranger runs it: check, list, try, learn, and one line for whatever is wrong."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import cli
from decoder import synth
from decoder.exchange import Message
from decoder.formats import profile
from drivers import wav

EXAMPLES = Path(__file__).parents[3] / "examples" / "profiles"
PROFILE = EXAMPLES / "framed-keys.toml"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["yobirin", "profile", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "fault of this program" not in err
        code = left.value.code
        assert isinstance(code, int)
        return Said(code, out, err)

    return call


def record(path: Path, messages: Sequence[Message], *, seed: int = 1) -> Path:
    """A call of the example's unit: the unit left, we right."""
    known = profile.from_toml(PROFILE.read_text(encoding="utf-8"))
    unit, ours = [np.zeros(4_000, np.int16)], [np.zeros(4_000, np.int16)]
    greeting, acknowledgement = synth.steps(known.greeting), synth.steps(known.kiss_off)
    ours.append(greeting)
    unit.append(np.zeros(len(greeting) + 3_000, np.int16))
    ours.append(np.zeros(3_000, np.int16))
    assert known.send is not None
    for message in messages:
        sent = known.send(message)[0]
        unit += [sent, np.zeros(3_000 + len(acknowledgement) + 4_000, np.int16)]
        ours += [np.zeros(len(sent) + 3_000, np.int16), acknowledgement, np.zeros(4_000, np.int16)]
    noise = np.random.default_rng(seed).normal(0, 20, (2, sum(map(len, unit))))
    sides = [np.clip(np.concatenate(side) + noise[n], -32768, 32767) for n, side in enumerate((unit, ours))]
    wav.write(path, [side.astype(np.int16) for side in sides])
    return path


def calls(folder: Path, accounts: Sequence[str]) -> list[Path]:
    some = random.Random(1)
    return [
        record(
            folder / f"{account}.wav",
            [Message(account, code, zone=f"{some.randrange(100):02}") for code in some.sample(["05", "17", "33"], 2)],
        )
        for account in accounts
    ]


def test_examples_are_profiles(run: Run) -> None:
    said = run("check", *sorted(EXAMPLES.glob("*.toml")))
    assert (said.code, said.err) == (0, "")
    assert "framed-keys (nobody example): pb, check sum, 3 codes" in said.out
    assert "note: no greeting" in said.out


def test_a_folder_is_listed_and_a_spoilt_file_in_it_is_told(run: Run, tmp_path: Path) -> None:
    assert len(run("list", EXAMPLES).out.splitlines()) == len(list(EXAMPLES.glob("*.toml")))
    (tmp_path / "good.toml").write_bytes(PROFILE.read_bytes())
    (tmp_path / "bad.toml").write_text("name = 1")
    said = run("list", tmp_path)
    assert said.code == 1
    assert said.out.startswith("framed-keys\tpb\tnobody\texample")
    assert "bad.toml: name must be a string" in said.err


def test_learn_then_check_then_try_on_a_call_it_has_not_seen(run: Run, tmp_path: Path) -> None:
    recordings = calls(tmp_path, ["123401", "123402", "560077", "900001"])
    learned = tmp_path / "learned.toml"
    said = run("learn", *recordings, "--out", learned, "--name", "found")
    assert (said.code, said.err) == (0, "")
    assert "reads 4 of 4 recordings" in said.out
    text = learned.read_text(encoding="utf-8")
    assert "# unsure:" in text
    assert "hz = [1400]" in text
    assert run("check", learned).out.startswith(f"{learned}: found: pb, check sum")
    fresh = record(tmp_path / "fresh.wav", [Message("777777", "44", zone="31")])
    said = run("try", learned, fresh, "--json")
    assert (said.code, said.err) == (0, "")
    (frame,) = [json.loads(line) for line in said.out.splitlines()]
    assert (frame["kind"], frame["format"], frame["account"]) == ("frame", "found", "777777")
    assert "FRAME" in run("try", learned, fresh).out
    assert "is there already" in run("learn", *recordings, "--out", learned).err


def test_a_recording_that_gives_no_frame_is_told(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "quiet.wav", [np.zeros(8_000, np.int16)])
    said = run("try", PROFILE, tmp_path / "quiet.wav")
    assert said.code == 1
    assert "nothing that looks like a message" in said.out
    assert "1 recordings give no frame" in said.err


def test_one_of_several_recordings_that_cannot_be_read_is_told_and_the_rest_is_tried(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    good = record(tmp_path / "good.wav", [Message("777777", "101", zone="31")])
    said = run("try", PROFILE, tmp_path / "text.wav", good)
    assert said.code == 1
    assert "FRAME" in said.out
    assert str(tmp_path / "text.wav") in said.err.splitlines()[0]
    assert run("try", PROFILE, tmp_path / "text.wav", tmp_path / "none.wav").code == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name = ", "Invalid value"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "name must be a string"),
        (b'name = "x"\ncarrier = "pb"\nstrat = 1', "message.fields"),
        (PROFILE.read_bytes() + b"[greting]\n", "unknown key 'greting'; did you mean 'greeting'?"),
        (PROFILE.read_bytes().replace(b"framed-keys", b"contact-id"), "a format of our own"),
        (b"x = " + b"[" * 3_000, "deep"),
    ],
)
def test_a_spoilt_profile_is_one_line_and_exit_code_2(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_bytes(content)
    for command in (["check", path], ["try", path, path]):
        said = run(*command)
        assert (said.code, said.out) == (2, "")
        (line,) = said.err.splitlines()
        assert line.startswith(f"yobirin: {path}: ")
        assert says in line


@pytest.mark.parametrize("command", [["learn"], ["try", PROFILE]])
def test_spoilt_recordings_are_one_line_and_exit_code_2(run: Run, tmp_path: Path, command: list[str | Path]) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").write_bytes(b"")
    for path in (tmp_path / "text.wav", tmp_path / "empty.wav", tmp_path / "none.wav", tmp_path):
        said = run(*command, path)
        assert (said.code, said.out) == (2, "")
        assert len(said.err.splitlines()) == 1
        assert str(path) in said.err


def test_nothing_to_learn_from_is_one_line(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "quiet.wav", [np.zeros(8_000, np.int16)])
    said = run("learn", tmp_path / "quiet.wav")
    assert (said.code, said.out) == (2, "")
    assert said.err == "yobirin: 1 recordings: no keys, characters, pulses or tones were heard in these recordings\n"


def test_missing_files(run: Run, tmp_path: Path) -> None:
    assert "no such file" in run("check", tmp_path / "none.toml").err
    assert "is no file" in run("check", tmp_path).err
    assert "no such folder" in run("list", tmp_path / "none").err
