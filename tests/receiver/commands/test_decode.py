"""`yobirin decode` as a stranger runs it: objects, tables, one line for every fault, exit codes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decoder import synth
from decoder.exchange import Message
from decoder.formats import contact_id
from decoder.g711 import encode_alaw, encode_ulaw
from decoder.registry import FORMATS, by_name
from decoder.samples import from_ms
from drivers import wav
from tests.captures import CENTRE, PANEL, PROXY, Capture, answer, bye, event, invite, rtp

RAW = "123418110101001B"
MESSAGE = Message("1234", "101", "1", "01", "001")
KEYS = {"call", "frame", "rejected", "digit", "tone", "lost"}
KINDS = KEYS | {"pulse", "character"}

Run = Callable[..., subprocess.CompletedProcess[str]]


def message(keys: str | None = None, *, before_ms: float = 500) -> np.ndarray:
    sent = contact_id.FORMAT.encode(MESSAGE) if keys is None else keys
    parts = [np.zeros(from_ms(before_ms), np.int16), synth.dtmf(sent), np.zeros(from_ms(800), np.int16)]
    return np.concatenate(parts)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: str | bytes | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
        command = [sys.executable, "-m", "cli", "decode", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, timeout=120)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    return call


def objects(done: subprocess.CompletedProcess[str], *kinds: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["kind"] for one in found} <= KINDS
    return [one for one in found if not kinds or one["kind"] in kinds]


def keys_of(found: Sequence[dict[str, Any]]) -> str:
    return "".join(one["digit"] for one in found if one["kind"] == "digit")


def test_a_recording_of_a_message(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "call.wav", [message()])
    done = run("call.wav", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (frame,) = objects(done, "frame")
    assert {name: frame[name] for name in frame if name not in ("at_s", "end_s", "confidence")} == {
        "file": "call.wav",
        "channel": "mono",
        "call": None,
        "kind": "frame",
        "format": "contact-id",
        "raw": RAW,
        "account": "1234",
        "qualifier": "1",
        "code": "101",
        "partition": "01",
        "zone": "001",
        "checksum_ok": True,
        "recovered": [],
        "account_recovered": False,
        "note": "",
        "witness": "sound",
    }
    assert frame["at_s"] == pytest.approx(0.5, abs=0.01)
    assert frame["end_s"] == pytest.approx(2.05, abs=0.02)
    digits = objects(done, "digit")
    assert keys_of(digits) == RAW.replace("B", "*")
    first = digits[0]
    assert first["span_ms"] == pytest.approx(50, abs=10)
    assert first["level_dbm0"] == pytest.approx(-10, abs=1)
    assert first["twist_db"] == pytest.approx(0, abs=1)
    assert 0 < first["confidence"] <= 1
    places = [one["end_s"] for one in objects(done)]
    assert places == sorted(places)


def test_a_wrong_check_digit_is_rejected(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "call.wav", [message(RAW[:-1] + "2")])
    done = run("call.wav", "--json")
    assert done.returncode == 0
    (rejected,) = objects(done, "frame", "rejected")
    assert (rejected["kind"], rejected["reason"], rejected["best"]) == ("rejected", "checksum", RAW[:-1] + "2")


def test_left_and_right_are_two_directions(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "call.wav", [message("123"), message("456")])
    found = objects(run("call.wav", "--json"), "digit")
    assert keys_of([one for one in found if one["channel"] == "left"]) == "123"
    assert keys_of([one for one in found if one["channel"] == "right"]) == "456"


def test_a_recording_without_anything_is_no_fault(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "quiet.wav", [np.zeros(8000, np.int16)])
    wav.write(tmp_path / "nothing.wav", [np.zeros(0, np.int16)])
    done = run("quiet.wav", "nothing.wav", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run("quiet.wav").stdout.splitlines() == ["quiet.wav", "       nothing heard"]


@pytest.mark.parametrize("kind", ["ulaw", "alaw", "s16"])
def test_headerless_by_option(kind: str, run: Run, tmp_path: Path) -> None:
    pcm = message("0123")
    coded = {"ulaw": encode_ulaw, "alaw": encode_alaw, "s16": lambda values: values}[kind](pcm)
    (tmp_path / "call.raw").write_bytes(coded.tobytes())
    assert keys_of(objects(run("call.raw", "--raw", kind, "--json"))) == "0123"


def test_other_rates_and_widths(run: Run, tmp_path: Path) -> None:
    """192 kHz, and 24 bits at 44.1 kHz, by numpy alone."""
    values = message("159D").astype(float) / 32768
    for name, rate, bits in (("a.wav", 192_000, 16), ("b.wav", 44_100, 24)):
        times = np.arange(int(len(values) * rate / 8000)) * 8000 / rate
        wide = np.interp(times, np.arange(len(values)), values)
        sound = np.rint(wide * 2 ** (bits - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()
        form = struct.pack("<HHIIHH", 1, 1, rate, rate * bits // 8, bits // 8, bits)
        head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(sound))
        (tmp_path / name).write_bytes(head + sound)
    found = objects(run("a.wav", "b.wav", "--json"))
    assert keys_of([one for one in found if one["file"] == "a.wav"]) == "159D"
    assert keys_of([one for one in found if one["file"] == "b.wav"]) == "159D"


def faults(directory: Path) -> None:
    """One file of every bad kind, and `good.wav`."""
    wav.write(directory / "good.wav", [message("5")])
    whole = (directory / "good.wav").read_bytes()
    (directory / "cut.wav").write_bytes(whole[: len(whole) * 4 // 5])
    (directory / "empty.wav").write_bytes(b"")
    (directory / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (directory / "folder").mkdir()
    os.mkfifo(directory / "pipe.wav")
    capture = Capture()
    capture.sound(message("7"))
    (directory / "cut.pcap").write_bytes(capture.pcap()[:-50])
    (directory / "head.pcap").write_bytes(capture.pcap()[:10])
    (directory / "other.pcap").write_bytes(Capture().pcap())


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("cut.wav", 1, "cut short: 1.1 s of the promised 1.4 s are there"),
        ("cut.pcap", 1, "cut short in the middle of packet 70"),
        ("empty.wav", 2, "the file is empty"),
        ("picture.png", 2, "neither a WAV recording nor a pcap capture"),
        ("folder", 2, "is a folder; name the files in it"),
        ("pipe.wav", 2, "not a regular file"),
        ("head.pcap", 2, "cut short in the middle of packet 1"),
        ("other.pcap", 2, "no call with sound in its 0 packets"),
        ("missing.wav", 2, "no such file; check the name"),
        ("line\nbreak.wav", 2, "line\\nbreak.wav: no such file; check the name"),
    ],
)
def test_one_clear_line_for_every_fault(name: str, code: int, said: str, run: Run, tmp_path: Path) -> None:
    faults(tmp_path)
    done = run("--json", "--", name)
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert done.stderr.startswith("yobirin: ")
    assert bool(objects(done)) == (code == 1), "what is there is printed"
    with_another = run("--json", "--", name, "good.wav")
    assert with_another.returncode == 1
    assert with_another.stderr == done.stderr
    assert "5" in keys_of(objects(with_another))


def test_a_list_is_decoded_in_order_and_the_rest_is_told(run: Run, tmp_path: Path) -> None:
    faults(tmp_path)
    names = ["-dash.wav", "名前 録音.wav", "b c.wav"]
    for name in names:
        wav.write(tmp_path / name, [message("42")])
    listing = "\n".join([*names, "", "missing.wav"]).encode()
    (tmp_path / "list").write_bytes(listing)
    done = run("--list", "list", "--json")
    assert done.returncode == 1
    assert done.stderr == "yobirin: missing.wav: no such file; check the name\n"
    assert [one["file"] for one in objects(done, "digit")] == [name for name in names for _ in range(2)]
    assert run("--list", "-", "--json", stdin=listing).stdout == done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no file named"),
        (["--list", "nowhere"], "nowhere: no such file"),
        (["--list", "empty"], "no file named"),
        (["--raw", "mp3", "x"], "--raw"),
    ],
)
def test_usage(arguments: list[str], said: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_another_name_gives_the_same(run: Run, tmp_path: Path) -> None:
    for name in ("0A841C.wav", "call"):
        wav.write(tmp_path / name, [message("123*#D")])
    one, other = (objects(run(name, "--json")) for name in ("0A841C.wav", "call"))
    assert one
    assert [{**found, "file": ""} for found in one] == [{**found, "file": ""} for found in other]


def test_alone_or_among_many_gives_the_same(run: Run, tmp_path: Path) -> None:
    strings = ["123", "456*", "789#0", "ABCD"]
    for text in strings:
        name = text.replace("*", "s").replace("#", "p")
        wav.write(tmp_path / f"{name}.wav", [message(text, before_ms=len(text) * 37)])
    files = sorted(path.name for path in tmp_path.glob("*.wav"))
    together = objects(run(*files, "--json"))
    alone = [found for name in files for found in objects(run(name, "--json"))]
    assert together == alone


def call(directory: Path, *, law: str = "ulaw", drop: frozenset[int] = frozenset()) -> None:
    capture = Capture()
    capture.udp(0, PANEL, PROXY, invite())
    capture.udp(50, PROXY, PANEL, answer())
    capture.sound(message(), at_ms=100, law=law, drop=drop)
    capture.udp(5000, PANEL, PROXY, bye())
    (directory / "call.pcap").write_bytes(capture.pcap())


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_a_capture_of_a_message(law: str, run: Run, tmp_path: Path) -> None:
    call(tmp_path, law=law)
    done = run("call.pcap", "--json")
    assert done.returncode == 0
    (about,) = objects(done, "call")
    assert (about["call"], about["caller"], about["called"]) == ("call-1@panel", "0312345678", "0120000000")
    assert about["started_at"] == "2026-03-31T12:00:00.100000+00:00"
    (frame,) = objects(done, "frame")
    assert (frame["raw"], frame["channel"]) == (RAW, "192.0.2.10:4000>192.0.2.20:5000")
    assert frame["call"] == "call-1@panel"
    text = run("call.pcap").stdout
    assert "0312345678 → 0120000000" in text
    assert f"FRAME    contact-id {RAW}" in text


def test_lost_sound_is_said_and_a_message_says_what_of_it_was_recovered(run: Run, tmp_path: Path) -> None:
    call(tmp_path, drop=frozenset(range(60, 66)))
    done = run("call.pcap", "--json")
    (lost,) = objects(done, "lost")
    assert (lost["at_s"], lost["span_ms"]) == (1.2, 120.0)
    assert objects(done, "call")[0]["lost_ms"] == [120.0]
    assert all(one["recovered"] for one in objects(done, "frame"))


def test_a_message_by_events_alone_and_by_both_witnesses(run: Run, tmp_path: Path) -> None:
    events, both = Capture(), Capture()
    both.sound(message(before_ms=500), sequence=0, timestamp=0)
    for n, key in enumerate(contact_id.FORMAT.encode(MESSAGE)):
        at = 4000 + n * 800
        for k, end in enumerate([False, True, True, True]):
            payload = event("0123456789*#ABCD".index(key), 400, end=end)
            for capture, ssrc, first in ((events, 1, 0), (both, 2, 0)):
                packet = rtp(first + 4 * n + k, at, payload, kind=101, ssrc=ssrc, marker=not k)
                capture.udp(at / 8 + 10 * k, PANEL, CENTRE, packet)
    (tmp_path / "events.pcap").write_bytes(events.pcap())
    (tmp_path / "both.pcap").write_bytes(both.pcap())
    found = objects(run("events.pcap", "--json"))
    (frame,) = [one for one in found if one["kind"] == "frame"]
    assert (frame["raw"], frame["witness"]) == (RAW, "event")
    assert all(one["twist_db"] is None and one["witness"] == "event" for one in found if one["kind"] == "digit")
    found = objects(run("both.pcap", "--json"))
    assert [(one["raw"], one["witness"]) for one in found if one["kind"] == "frame"] == [(RAW, "both")]
    digits = [one for one in found if one["kind"] == "digit"]
    assert keys_of(digits) == RAW.replace("B", "*"), "a key that both tell is one digit"
    assert {(one["witness"], one["other"]) for one in digits} == {("both", None)}


def leaking(directory: Path, *, lost: frozenset[int], deaf: frozenset[int], wrong: str = "") -> None:
    """A call through a gateway that lets the first 30 ms of each key pass and sends events 20 ms late.

    lost: places whose events never come; deaf: that leave nothing in the sound; wrong: events' keys, if other ones.
    """
    capture, sent = Capture(), contact_id.FORMAT.encode(MESSAGE)
    sound = message()
    for place in range(16):
        begins = 4000 + 800 * place
        sound[begins + (0 if place in deaf else 240) : begins + 800] = 0
        sound[begins + 240 : begins + 800] = 0
    if wrong:
        sound = message()
    capture.sound(sound, at_ms=0)
    for place, key in enumerate(wrong or sent):
        if place in lost:
            continue
        at = 50_000 + 4160 + place * 800
        for n, (duration, end) in enumerate([(160, False), (320, False), (400, True), (400, True)]):
            packet = rtp(4 * place + n, at, event("0123456789*#ABCD".index(key), duration, end=end), kind=101, ssrc=9)
            capture.udp((at - 50_000) / 8 + 20 * n, PANEL, CENTRE, packet)
    (directory / "leak.pcap").write_bytes(capture.pcap())


@pytest.mark.parametrize(
    ("lost", "deaf", "witness"),
    [
        (set(), set(), "both"),
        ({3, 4, 11}, set(), "sound"),
        (set(), {0, 7, 15}, "event"),
        ({3, 4, 11}, {0, 7, 15}, "together"),
    ],
)
def test_leaked_starts_and_lost_events_complete_each_other(
    lost: set[int], deaf: set[int], witness: str, run: Run, tmp_path: Path
) -> None:
    leaking(tmp_path, lost=frozenset(lost), deaf=frozenset(deaf))
    found = objects(run("leak.pcap", "--json"))
    assert keys_of(found) == contact_id.FORMAT.encode(MESSAGE)
    assert [(one["raw"], one["witness"]) for one in found if one["kind"] == "frame"] == [(RAW, witness)]


def test_where_sound_and_events_differ_both_are_shown(run: Run, tmp_path: Path) -> None:
    leaking(tmp_path, lost=frozenset(), deaf=frozenset(), wrong="123418110101009*")
    found = objects(run("leak.pcap", "--json"), "digit")
    (doubtful,) = [one for one in found if one["other"]]
    assert {doubtful["digit"], doubtful["other"]} == {"1", "9"}
    assert doubtful["confidence"] < contact_id.DOUBT
    assert "10101100[19]*" in run("leak.pcap").stdout.replace("12341811010100[", "10101100[")


# ── formats ───────────────────────────────────────────────────────────────────────────────────


def test_formats_without_a_check_are_read_where_they_are_named(run: Run, tmp_path: Path) -> None:
    form = by_name("pulse-4-2")
    assert form.send is not None
    sent = form.send(Message("1234", "5", zone="6"))
    quiet = np.zeros(8000, np.int16)
    wav.write(tmp_path / "call.wav", [np.concatenate([quiet, *[part for one in sent for part in (one, quiet)], quiet])])
    assert form.name not in {one.get("format") for one in objects(run("call.wav", "--json"))}
    for asked in (["--format", "all"], ["--format", form.name, "--format", "contact-id"]):
        frames = objects(run("call.wav", "--json", *asked), "frame")
        assert form.name in {one["format"] for one in frames}, asked


def test_characters_of_a_modem_stand_on_one_line(run: Run, tmp_path: Path) -> None:
    form = by_name("sia-fsk")
    assert form.send is not None
    quiet = np.zeros(8000, np.int16)
    sent = form.send(Message("1234", "BA", zone="001"))
    wav.write(tmp_path / "call.wav", [np.concatenate([quiet, *[part for one in sent for part in (one, quiet)], quiet])])
    characters = objects(run("call.wav", "--json", "--format", "sia-fsk"), "character")
    assert len(characters) > 10
    lines = [line for line in run("call.wav", "--format", "sia-fsk").stdout.splitlines() if "modem  " in line]
    assert 1 <= len(lines) <= len(sent) + 1
    assert not objects(run("call.wav", "--json", "--format", "contact-id"), "character")


def test_a_format_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    wav.write(tmp_path / "call.wav", [message()])
    done = run("call.wav", "--format", "contact")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert all(known.name in done.stderr for known in FORMATS)


def test_the_corpus_of_containers(run: Run) -> None:
    corpus = Path(__file__).resolve().parents[2] / "corpus"
    files = sorted(path for folder in ("wav", "pcap") for path in (corpus / folder).iterdir() if path.suffix != ".json")
    files = [path for path in files if path.suffix != ".md"]
    assert len(files) >= 17
    done = run(*files, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert not objects(done, "frame")
    heard = {str(path): keys_of([one for one in objects(done) if one["file"] == str(path)]) for path in files}
    assert heard == {str(path): json.loads(path.with_suffix(".json").read_text())["keys"] for path in files}


def test_every_field_and_kind_is_in_the_reference(run: Run, tmp_path: Path) -> None:
    reference = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "decode-json.md").read_text()
    call(tmp_path, drop=frozenset(range(60, 66)))
    wav.write(tmp_path / "call.wav", [message()])
    wav.write(tmp_path / "tone.wav", [synth.steps(contact_id.HANDSHAKE)])
    found = objects(run("call.pcap", "call.wav", "tone.wav", "--json"))
    assert {one["kind"] for one in found} >= KEYS - {"rejected"}
    missing = {name for one in found for name in [*one, one["kind"]] if f"`{name}`" not in reference}
    assert missing == set()


@pytest.mark.slow
def test_a_long_recording_is_heard_in_blocks_and_says_the_same(run: Run, tmp_path: Path) -> None:
    long = np.zeros(8000 * 700, np.int16)
    for second in (1, 29.9, 59.97, 350, 698):
        sent = synth.dtmf("1590")
        long[round(second * 8000) : round(second * 8000) + len(sent)] = sent
    wav.write(tmp_path / "long.wav", [long])
    found = objects(run("long.wav", "--json"), "digit")
    assert keys_of(found) == "1590" * 5
    starts = [one["at_s"] for one in found if one["digit"] == "1"]
    assert starts == pytest.approx([1, 29.9, 59.97, 350, 698], abs=0.01)


@pytest.mark.shared
@pytest.mark.skipif("YOBIRIN_SHARED" not in os.environ, reason="YOBIRIN_SHARED is not set")
def test_real_recordings_and_captures(run: Run) -> None:
    folder = Path(os.environ["YOBIRIN_SHARED"]) / "recordings"
    files = sorted([*folder.glob("*.wav"), *folder.glob("*.pcap")])
    done = run(*files, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = objects(done)
    phone = [one for one in found if "softphone" in one["file"] and one["kind"] == "digit"]
    assert keys_of(phone) == "2013785496"
    assert [one["witness"] for one in phone] == ["both"] * 10, "all leaked, one of them with DC of half the full scale"
    assert not [one for one in found if one["kind"] == "frame"]
    assert not [one for one in found if "Noise" in one["file"] and one["kind"] == "digit"]
