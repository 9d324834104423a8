"""Every format's unit: the examples of the reference are calls whose frames are read, each by its own format."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from decoder.detector import detect_batch
from decoder.exchange import Message, ToneStep, signals_of
from decoder.formats import bs8521, contact_id, profile, stmf, tt92
from decoder.frame import Frame
from decoder.reading import read
from decoder.registry import FORMATS, by_name
from decoder.samples import I16, Samples, peak_of
from decoder.synth import steps
from receiver.errors import BadInput
from sim import habits
from sim.commands import sim
from sim.panel import HangUp, Note, Panel, PanelSettings, Send
from sim.phone import Ear, ToneEnded

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "simulators.md"
PROFILES = Path(__file__).parents[2] / "examples" / "profiles"
EXAMPLES = re.findall(r"^\| `([\w-]+)`[^|]*\| `(--account [^`]+)` \| `([^`]+)` \|$", REFERENCE.read_text(), re.M)
CHECKED = tuple(known for known in FORMATS if known.integrity)


def panel(*arguments: object) -> Result:
    return CliRunner().invoke(sim, ["panel", *map(str, arguments)], standalone_mode=False)


def unit_of(path: Path) -> I16:
    """What the unit said."""
    with wave.open(str(path)) as file:
        return np.ascontiguousarray(np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0])


def test_every_format_has_an_example() -> None:
    assert {name for name, *_ in EXAMPLES} == {known.name for known in FORMATS}


@pytest.mark.parametrize(("name", "options", "raw"), EXAMPLES)
def test_an_example_is_a_call_with_one_frame(tmp_path: Path, name: str, options: str, raw: str) -> None:
    result = panel("--wav", tmp_path / "call.wav", "--format", name, *options.split())
    assert result.return_value == 0
    sound, known = unit_of(tmp_path / "call.wav"), by_name(name)
    assert ("kiss_off" in result.output) is bool(known.kiss_off), "caller identification is never acknowledged"
    formats = dict.fromkeys((*CHECKED, known))
    results = read(detect_batch([Samples(0, sound)], signals_of(formats))[0], formats)
    frames = [one for one in results if isinstance(one, Frame)]
    assert [(frame.format, frame.raw) for frame in frames] == [(name, raw)]
    if known.integrity:
        assert len(results) == 1, results


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("framed-keys", "--account 123456 --code 01 --zone 03"),
        ("bare-keys", "--account 12345"),
        ("two-tones", "--code H"),
        ("v23-frames", "--account 12345678 --code 01"),
    ],
)
def test_a_profile_is_a_format(tmp_path: Path, name: str, options: str) -> None:
    path = PROFILES / f"{name}.toml"
    assert panel("--wav", tmp_path / "call.wav", "--format", path, *options.split()).return_value == 0
    known, sound = profile.from_toml(path.read_text()), unit_of(tmp_path / "call.wav")
    results = read(detect_batch([Samples(0, sound)], known.signals)[0], [known])
    assert [result.format for result in results if isinstance(result, Frame)] == [name]


def test_a_profile_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = ")
    for name, why in (("bad.toml", "bad.toml"), ("none.toml", "no such file")):
        result = panel("--wav", tmp_path / "call.wav", "--format", tmp_path / name, "--account", "1")
        assert isinstance(result.exception, BadInput)
        assert why in str(result.exception)
        assert "\n" not in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--format", "morse", "--account", "1", "--code", "1"), "no format 'morse'"),
        (("--format", "tt92", "--account", "1234", "--code", "001", "--zone", "001"), "tt92 has no zone"),
        (("--format", "ademco-express", "--account", "1234", "--code", "1", "--qualifier", "3"), "no qualifier"),
        (("--format", "ademco-express", "--account", "1234", "--code", "101"), "code must be 1 digits"),
        (("--format", "bs8521", "--account", "1234", "--code", "021"), "account must be 12 decimal digits"),
        (("--format", "pulse-3-1", "--account", "123", "--code", "1", "--partition", "01"), "has no partition"),
        (("--format", "pulse-3-1", "--account", "123", "--code", "1", "--zone", "7"), "pulse-3-1 has no zone"),
        (("--format", "pulse-3-1", "--account", "123", "--code", "1", "--on-ms", "60"), "it has no --on-ms"),
        (("--format", "stmf", "--account", "123", "--code", "001", "--wrong-digit", "3"), "it has no --wrong-digit"),
        (("--account", "1234", "--code", "101", "--wrong-digit", "17"), "there are 16 digits"),
    ],
)
def test_what_a_format_does_not_have_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    result = panel("--wav", tmp_path / "call.wav", *arguments)
    assert isinstance(result.exception, BadInput)
    assert reason in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "call.wav").exists()


def test_noise_is_below_what_is_sent_also_where_the_format_makes_its_own_sound(tmp_path: Path) -> None:
    for name, level in (("tt92", peak_of(-10)), ("stmf", peak_of(-10) / np.sqrt(2))):  # a pair, a single tone
        wav = tmp_path / name
        said = ("--format", name, "--account", "123456", "--code", "001", "--noise-db", "20")
        assert panel("--wav", wav, *said).return_value == 0
        noise = unit_of(wav)[:8_000].astype(float)
        assert np.sqrt(np.mean(noise**2)) == pytest.approx(level / 10, rel=0.05)


def ear_of(*keys: str) -> Ear:
    return Ear(frozenset(keys))


@pytest.mark.parametrize("key", "0123456789*#ABCD")
def test_a_key_is_heard_as_itself(key: str) -> None:
    (tone,) = tt92.ENQUIRY[:1]
    sound = steps((ToneStep((), 200), ToneStep(by_key(key), tone.ms), ToneStep((), 200)))
    (ended,) = (one for one in ear_of("B", "0").feed(sound) if isinstance(one, ToneEnded))
    assert ended.hz == key
    assert abs(ended.end - ended.start - 640) <= 80


def by_key(key: str) -> tuple[float, float]:
    (low,), (high,) = (step.hz for step in stmf.key_steps(key) if step.hz)
    return low, high


def unit(form_name: str, message: Message) -> Panel:
    form = by_name(form_name)
    settings = PanelSettings((message,), greeting=form.greeting, kiss_off=form.kiss_off, **habits.of(form))
    return Panel(settings, form.encode, send=form.send)


def tell(panel: Panel, sound: str | int, start: int, length: int) -> list[object]:
    effects: list[object] = [*panel.began(sound, start)]
    effects += panel.ended(sound, start, start + length)
    while (deadline := panel.deadline) is not None and deadline <= start + length + 800:
        effects += panel.tick(deadline)
    return effects


def test_a_request_of_bs8521_is_long_and_an_acknowledgement_short() -> None:
    mind = unit("bs8521", Message("123456780042", "021"))
    mind.start()
    assert not any(isinstance(one, Send) for one in tell(mind, "B", 8_000, 640))
    (send,) = (one for one in tell(mind, "B", 16_000, 6_400) if isinstance(one, Send))
    assert send.start == 16_000 + 6_400 + 640  # 80 ms behind the request
    mind.tick(send.end)
    (again,) = (one for one in tell(mind, "B", send.end + 1_600, 6_400) if isinstance(one, Send))  # another request
    assert mind.delivered == 0
    mind.tick(again.end)
    assert any(isinstance(one, Note) and one.what == "kiss_off" for one in tell(mind, "B", again.end + 1_600, 640))
    assert mind.delivered == 1


def test_an_acknowledgement_of_two_keys_is_both_in_order() -> None:
    for keys, told in ((("B", "0"), 1), (("B", "5"), 0), (("0", "B"), 0), (("B", "B"), 0)):
        mind = unit("tt92", Message("123456", "001"))
        mind.start()
        tell(mind, "0", 8_000, 640)
        (send,) = (one for one in tell(mind, "#", 8_000 + 1_280, 640) + mind.tick(20_000) if isinstance(one, Send))
        mind.tick(send.end)
        tell(mind, keys[0], send.end + 800, 640)
        tell(mind, keys[1], send.end + 800 + 1_280, 640)
        assert mind.delivered == told, keys


def test_without_a_greeting_it_speaks_and_without_a_kiss_off_it_is_content() -> None:
    settings = PanelSettings((Message("1234", "101"), Message("1234", "602")), greeting=(), kiss_off=())
    mind = Panel(settings, contact_id.FORMAT.encode)
    effects = mind.start()
    while (deadline := mind.deadline) is not None:
        effects += mind.tick(deadline)
    assert [type(one) for one in effects if isinstance(one, Send | HangUp)] == [Send, Send, HangUp]
    assert mind.delivered == 2


def test_each_of_several_sounds_is_acknowledged() -> None:
    sounds = (np.full(800, 100, np.int16), np.pad(np.full(800, 100, np.int16), (0, 400)))
    mind = Panel(PanelSettings((Message("1", "1"),), attempts=1), lambda message: "ab", send=lambda message: sounds)
    effects = [*mind.start(), *tell(mind, 1400, 8_000, 800), *tell(mind, 2300, 9_600, 800), *mind.tick(14_000)]
    (first,) = (one for one in effects if isinstance(one, Send))
    assert (first.end - first.start, first.pcm is sounds[0]) == (800, True)
    mind.tick(first.end)
    effects = tell(mind, 1400, first.end + 1_600, 6_800) + mind.tick(40_000)
    (second,) = (one for one in effects if isinstance(one, Send))
    assert (second.end - second.start, second.pcm is sounds[1], mind.delivered) == (800, True, 1)


def test_habits_are_settings_of_a_unit() -> None:
    for known in FORMATS:
        PanelSettings(greeting=known.greeting, kiss_off=known.kiss_off, **habits.of(known))
    assert habits.of(bs8521.FORMAT)["attempts"] == 5
