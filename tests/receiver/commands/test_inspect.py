"""`yobirin inspect` as an installer runs it: table, picture, page; one line for every fault, exit codes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import struct
import subprocess
import tracemalloc
import wave
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from decoder import synth
from decoder.samples import I16, from_ms, peak_of
from drivers import wav
from receiver.commands.inspection.shapes import Ink
from tests.receiver.commands.conftest import Said

KEYS = "123418110101001*"
RAW = "123418110101001B"
CAPTURES = Path(__file__).parents[2] / "corpus" / "pcap"
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"

Yobirin = Callable[..., Said]


def silence(ms: float) -> I16:
    return np.zeros(from_ms(ms), np.int16)


def call(keys: str = KEYS) -> I16:
    sound = np.concatenate([silence(400), synth.dtmf(keys), silence(600)])
    return sound + np.random.default_rng(1).normal(0, peak_of(-50), len(sound)).astype(np.int16)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    wav.write(path, [call()])
    return path


def boxes(picture: str, ink: Ink) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(picture).iter(f"{SVG}rect") if one.get("stroke") == ink.value]


def texts(picture: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_the_table_says_what_was_heard_and_why(yobirin: Yobirin, good: Path) -> None:
    said = yobirin("inspect", good)
    assert said.code == 0
    assert said.lines[0] == str(good)
    assert re.match(
        r"\[mono\] 2\.600 s, level -\d.*noise between signals -\d\d\.\d dBm0, digits \d\d dB", said.lines[1]
    )
    digits = [line.split() for line in said.lines if re.match(r" +\d+\.\d{3} +[0-9*] ", line)]
    assert "".join(fields[1] for fields in digits) == KEYS
    assert digits[0][6] == "-"
    assert float(digits[1][6]) == pytest.approx(50, abs=2)
    assert digits[0][8] != "1"
    assert float(digits[0][9]) > 20
    (place,) = (place for place, line in enumerate(said.lines) if f"FRAME contact-id {RAW}" in line)
    assert "account 1234, new event 101 (personal emergency, pendant), partition 01, zone 001" in said.lines[place + 1]
    assert "its check holds" in said.lines[place + 2]


def test_a_lost_packet_is_shown_with_what_it_cost(yobirin: Yobirin, tmp_path: Path) -> None:
    capture = CAPTURES / "lost-third-digit.pcap"
    said = yobirin("inspect", capture)
    assert said.code == 0
    assert "lost: 80.0 ms of sound never came" in said.out
    assert "not taken: contact-id 15?AB0C: erasure" in said.out
    picture = tmp_path / "lost.svg"
    assert yobirin("inspect", capture, "--svg", picture).code == 0
    assert "lost 80 ms" in texts(picture.read_text())
    assert any("× not taken: contact-id 15?AB0C: erasure" in one for one in texts(picture.read_text()))


def test_events_have_a_line_of_their_own(yobirin: Yobirin, tmp_path: Path) -> None:
    picture = tmp_path / "events.svg"
    assert yobirin("inspect", CAPTURES / "events-only.pcap", "--svg", picture).code == 0
    assert "as events" in texts(picture.read_text())
    assert "twist dB" not in texts(picture.read_text())


def test_json_holds_what_decode_says_and_more(yobirin: Yobirin, good: Path) -> None:
    inspected = [json.loads(line) for line in yobirin("inspect", "--json", good).lines]
    decoded = [json.loads(line) for line in yobirin("decode", "--json", good).lines]

    def of(kind: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in objects if one["kind"] == kind]

    for mine, theirs in zip(of("digit", inspected), of("digit", decoded), strict=True):
        assert mine.items() >= theirs.items()
        assert {"pause_ms", "runner_up", "behind_nats"} <= mine.keys()
    assert [one["raw"] for one in of("frame", inspected)] == [RAW]
    assert "personal emergency" in of("frame", inspected)[0]["says"]
    (line,) = of("line", inspected)
    assert line["lost_ms"] == 0
    assert -60 < line["noise_dbm0"] < -40
    assert line["snr_db"] == pytest.approx(-7 - line["noise_dbm0"], abs=1)


def test_the_picture_has_every_digit_at_its_two_frequencies(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "call.svg"
    assert yobirin("inspect", good, "--svg", out).code == 0
    picture = out.read_text(encoding="utf-8")
    hints = ["".join(one.itertext()) for one in boxes(picture, Ink.DIGIT)]
    for key in set(KEYS):
        assert sum(hint.startswith(f"{key}: ") for hint in hints) == 2 * KEYS.count(key)
    assert any(one.startswith(f"FRAME contact-id {RAW}") for one in texts(picture))
    shown = texts(picture)
    assert {"digit (two tones)", "lost", "not taken", "recovered digit", "seconds", "twist dB", "dBm0"} <= set(shown)
    root = ElementTree.fromstring(picture)
    assert root.findtext(f"{SVG}title") == "call.wav"
    assert "1 message heard" in (root.findtext(f"{SVG}desc") or "")
    (grey,) = root.iter(f"{SVG}image")
    dots = unpacked(base64.b64decode(grey.get(LINK, "").removeprefix("data:image/png;base64,")))
    assert dots.shape[0] > 100
    assert dots.min() == 0
    assert dots.max() == 255


def test_both_directions_stand_one_above_the_other(yobirin: Yobirin, tmp_path: Path) -> None:
    path, out = tmp_path / "two.wav", tmp_path / "two.svg"
    reply = np.concatenate([silence(100), synth.dtmf("5", on_ms=100, off_ms=1900)])
    wav.write(path, [call(), reply])
    assert yobirin("inspect", path, "--svg", out).code == 0
    assert {"left", "right"} <= set(texts(out.read_text()))
    assert len([*ElementTree.parse(out).iter(f"{SVG}image")]) == 2
    assert yobirin("inspect", path, "--channel", "right", "--svg", out).code == 0
    assert len([*ElementTree.parse(out).iter(f"{SVG}image")]) == 1


def unpacked(png: bytes) -> np.ndarray[Any, Any]:
    """The samples of a PNG of eight bits, (rows, columns) or (rows, columns, channels)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, head = 8, b"", b""
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        head, data = (body if name == b"IHDR" else head), data + (body if name == b"IDAT" else b"")
        at += 12 + length
    width, height, bits, kind = struct.unpack(">IIBB", head[:10])
    assert bits == 8
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[kind]
    lines = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * channels)
    dots = np.zeros((height, width * channels), np.uint8)
    above = np.zeros(width * channels, np.uint8)
    for number, line in enumerate(lines):
        above = dots[number] = unfiltered(int(line[0]), line[1:], above, channels)
    return dots if channels == 1 else dots.reshape(height, width, channels)


def unfiltered(kind: int, line: np.ndarray[Any, Any], above: np.ndarray[Any, Any], step: int) -> np.ndarray[Any, Any]:
    if kind == 0:
        return line
    if kind == 2:
        return line + above
    if kind == 1:
        return np.cumsum(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    out = [0] * len(line)
    for place, (value, up) in enumerate(zip(line.tolist(), above.tolist(), strict=True)):
        left = out[place - step] if place >= step else 0
        corner = int(above[place - step]) if place >= step else 0
        near = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
        out[place] = (value + ((left + up) // 2 if kind == 3 else near)) & 255
    return np.array(out, np.uint8)


def test_the_picture_in_dots_is_not_blank_and_has_every_ink(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "call.png"
    assert yobirin("inspect", good, "--png", out).code == 0
    dots = unpacked(out.read_bytes())
    assert dots.shape[1] == 2880
    used = set(np.unique(dots).tolist())
    assert len(used) > 20
    assert {128 + list(Ink).index(ink) for ink in (Ink.PAPER, Ink.TEXT, Ink.DIGIT, Ink.REJECTED)} <= used


class Tags(HTMLParser):
    """What a page asks for, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asked += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_has_everything_in_it_and_asks_for_nothing(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    said = yobirin("inspect", good, "--html", out)
    assert said.code == 0
    assert said.out.startswith("1 message heard: account 1234")
    page = out.read_text(encoding="utf-8")
    tags = Tags(page)
    assert tags.asked
    assert all(one.startswith("data:") for one in tags.asked)
    assert not {"script", "link", "iframe", "object", "form"} & set(tags.tags)
    assert not re.search(r"url\(|@import", page)
    addresses = set(re.findall(r"https?://[^\"' <]+", page))
    assert addresses == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "Content-Security-Policy\" content=\"default-src 'none'" in page
    told = " ".join(tags.words)
    assert hashlib.sha256(good.read_bytes()).hexdigest() in told
    assert str(good.parent) not in page
    assert "電文1件を受信：端末番号1234、発生101（本人緊急通報（ペンダント））、パーティション01、ゾーン001" in told
    assert re.search(r"yobirin \d+\.\d+", told)
    sound = next(one for one in tags.asked if one.startswith("data:audio/wav;base64,"))
    with wave.open(io.BytesIO(base64.b64decode(sound.partition(",")[2]))) as played:
        assert played.getframerate() == 8000
        assert (np.frombuffer(played.readframes(10**6), "<i2") == call()).all()


def test_names_are_escaped(yobirin: Yobirin, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>&\"'\n.wav"
    wav.write(path, [call("123")])
    page, picture = tmp_path / "page.html", tmp_path / "call.svg"
    assert yobirin("inspect", path, "--html", page, "--svg", picture).code == 0
    assert "img" not in Tags(page.read_text()).tags
    assert any("<img src=x" in one for one in texts(picture.read_text()))


def test_a_capture_of_several_calls(yobirin: Yobirin, tmp_path: Path) -> None:
    capture = CAPTURES / "sip-ulaw.pcap"
    said = yobirin("inspect", capture)
    name = next(line.split(",")[0].removeprefix("call ") for line in said.lines if line.startswith("call "))
    assert yobirin("inspect", capture, "--call", name).code == 0
    nothing = yobirin("inspect", capture, "--call", "another")
    assert nothing.code == 2
    assert f"not in it; there is call {name}" in nothing.err


def test_a_part_is_heard_as_the_whole_is(yobirin: Yobirin, tmp_path: Path) -> None:
    path, out = tmp_path / "long.wav", tmp_path / "part.svg"
    wav.write(path, [np.concatenate([call(), silence(3000), call("11")])])
    said = yobirin("inspect", path, "--from", "5", "--to", "6.5")
    assert "FRAME" not in said.out
    assert "[mono] 1.500 s" in said.out
    assert yobirin("inspect", path, "--from", "1", "--to", "2", "--svg", out).code == 0
    assert any(one.startswith(f"FRAME contact-id {RAW}") for one in texts(out.read_text()))
    assert "1.5" in texts(out.read_text())


def test_ten_minutes_stay_within_bounds(yobirin: Yobirin, tmp_path: Path) -> None:
    path = tmp_path / "ten.wav"
    wav.write(path, [np.concatenate([call(), silence(595_000), call()])])
    page, picture = tmp_path / "ten.html", tmp_path / "ten.svg"
    tracemalloc.start()
    said = yobirin("inspect", path, "--html", page, "--svg", picture)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said.code == 0
    assert "2 messages heard" in said.out
    assert most < 60_000_000
    assert picture.stat().st_size < 2_000_000
    assert page.stat().st_size < 4_000_000
    assert "Too long to be played" in page.read_text()
    assert any("in which nothing was heard" in one for one in texts(picture.read_text()))


def written(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.wav"
    match kind:
        case "missing":
            pass
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.mkdir()
        case "words":
            path.write_text("a line of text\n")
        case "header":
            wav.write(path, [silence(100)])
            path.write_bytes(path.read_bytes()[:20])
        case "device":
            return Path("/dev/zero")
    return path


@pytest.mark.parametrize("kind", ["missing", "empty", "folder", "words", "header", "device"])
@pytest.mark.parametrize("output", [(), ("--svg", "out.svg"), ("--html", "out.html"), ("--json",)])
def test_what_cannot_be_heard_is_one_line(yobirin: Yobirin, tmp_path: Path, kind: str, output: tuple[str, ...]) -> None:
    out = [tmp_path / one if one.startswith("out") else one for one in output]
    said = yobirin("inspect", written(kind, tmp_path), *out)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith("yobirin: ")
    assert said.out == ""
    assert not any(isinstance(one, Path) and one.exists() for one in out)


def test_a_file_cut_short_is_shown_as_far_as_it_goes(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    good.write_bytes(good.read_bytes()[:-2000])
    said = yobirin("inspect", good)
    assert said.code == 1
    assert "cut short" in said.err
    assert f"FRAME contact-id {RAW}" in said.out
    page = tmp_path / "page.html"
    assert yobirin("inspect", good, "--html", page).code == 1
    assert "cut short" in " ".join(Tags(page.read_text()).words)


def test_outputs_that_cannot_be_written(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    before = good.read_bytes()
    for out, reason in (
        (tmp_path / "no" / "out.svg", "there is no folder"),
        (tmp_path, "is a folder"),
        (good, "is the recording itself"),
        (Path("/dev/full"), "No space left"),
    ):
        said = yobirin("inspect", good, "--svg", out)
        assert said.code == 2
        assert reason in said.err
        assert said.err.count("\n") == 1
    assert good.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--channel", "middle"), "not in it; there is channel mono"),
        (("--from", "900"), "less than 900 s"),
        (("--from", "2", "--to", "1"), "nothing lies between"),
        (("--from", "-1"), "not in the range"),
    ],
)
def test_what_is_not_in_it(yobirin: Yobirin, good: Path, arguments: tuple[str, ...], reason: str) -> None:
    said = yobirin("inspect", good, *arguments)
    assert (said.code, said.out) == (2, "")
    assert reason in said.err


def odd(kind: str) -> bytes:
    """A WAV file of sound that nobody expects."""
    rate, form = 8000, (1, 2)
    match kind:
        case "nan":
            sound, form = np.full(4000, np.nan, "<f4").tobytes(), (3, 4)
        case "clipped":
            sound = np.clip(call().astype(int) * 40, -32768, 32767).astype("<i2").tobytes()
        case "silent":
            sound = bytes(16_000)
        case "nothing":
            sound = b""
        case "a sample":
            sound = b"\0\1"
        case "192 kHz":
            rate, sound = 192_000, np.repeat(call("159"), 24).astype("<i2").tobytes()
        case _:
            sound = np.random.default_rng(2).integers(-32768, 32767, 8000).astype("<i2").tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, form[0], 1, rate, rate * form[1], form[1], form[1] * 8)
    body = b"WAVE" + head + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("kind", ["nan", "clipped", "silent", "nothing", "a sample", "192 kHz", "noise"])
def test_odd_sound_gives_a_picture_all_the_same(yobirin: Yobirin, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(odd(kind))
    outputs = [tmp_path / f"odd.{end}" for end in ("svg", "png", "html")]
    said = yobirin("inspect", path, "--svg", outputs[0], "--png", outputs[1], "--html", outputs[2])
    assert (said.code, said.err) == (0, "")
    ElementTree.parse(outputs[0])
    unpacked(outputs[1].read_bytes())
    assert all(one.startswith("data:") for one in Tags(outputs[2].read_text()).asked)
    for line in yobirin("inspect", "--json", path).lines:
        json.loads(line, parse_constant=pytest.fail)
    assert yobirin("inspect", path).code == 0


def test_a_browser_shows_the_page(yobirin: Yobirin, good: Path, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    page, shot = tmp_path / "page.html", tmp_path / "shot.png"
    assert yobirin("inspect", good, "--html", page).code == 0
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,700"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    dots = unpacked(shot.read_bytes())[..., :3].reshape(-1, 3)
    colours = {bytes(colour) for colour in np.unique(dots, axis=0)}
    assert len(colours) > 50
    assert bytes.fromhex(Ink.DIGIT.value[1:]) in colours
