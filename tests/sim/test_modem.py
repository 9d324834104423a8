"""The emulator against the protocol sheet, by hand: what a computer types, what it must read."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.samples import RATE_HZ, from_ms
from decoder.synth import dtmf
from drivers.modem.coding import decode, encode
from drivers.modem.dle import shield
from drivers.modem.formats import Coding
from sim.modem import VoiceModem
from sim.modem_settings import Babble, ModemSettings
from sim.subscriber_line import CallerId, CallerIdForm, HangUpSign
from sim.wire import BLOCK

SILENCE = np.zeros(BLOCK, np.int16)


class Computer:
    """Types at a modem and lets its time pass."""

    def __init__(self, **settings: object) -> None:
        self.modem = VoiceModem(ModemSettings(**settings), np.random.default_rng(1))  # type: ignore[arg-type]
        self.heard: list[np.ndarray] = []  # what the line got

    def pass_ms(self, ms: float, say: np.ndarray = SILENCE) -> bytes:
        said = b""
        for _ in range(round(ms / 20)):
            self.heard.append(self.modem.tick(say))
            said += self.modem.to_computer()
        return said

    def type(self, text: str, wait_ms: float = 200) -> str:
        self.modem.from_computer(text.encode() + b"\r")
        return self.pass_ms(wait_ms).decode("latin-1")

    def in_call(self, coding: int = 131) -> Computer:
        for command in ("ATE0V1", "AT+FCLASS=8", f"AT+VSM={coding},8000"):
            assert self.type(command).endswith("OK\r\n")
        self.modem.ring("0312345678", None)
        assert "OK" in self.type("AT+VLS=1")
        return self


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("AT", "AT\r\r\nOK\r\n"),  # echo is on at power-up
        ("ATE0", "ATE0\r\r\nOK\r\n"),
        ("at+fclass=8", "at+fclass=8\r\r\nOK\r\n"),
        ("AT+FCLASS?", "AT+FCLASS?\r\r\n0\r\n\r\nOK\r\n"),
        ("AT+FCLASS=9", "AT+FCLASS=9\r\r\nERROR\r\n"),
        ("AT+VLS=1", "AT+VLS=1\r\r\nERROR\r\n"),  # not in voice mode
        ("AT+VRX", "AT+VRX\r\r\nERROR\r\n"),
        ("ATA", "ATA\r\r\nNO CARRIER\r\n"),
        ("HELLO", "HELLO\r\r\nERROR\r\n"),
        ("ATV0", "ATV0\r0\r"),
    ],
)
def test_commands(typed: str, read: str) -> None:
    assert Computer().type(typed) == read


def test_the_list_of_sample_formats() -> None:
    said = Computer().type("AT+VSM=?")
    assert re.search(r'131,"8-BIT ULAW",8', said)
    assert said.endswith("\r\nOK\r\n")


def test_commands_typed_ahead_wait_their_turn() -> None:
    assert Computer().type("ATE0\rAT+FCLASS=8\rAT+FCLASS?", 400).endswith("OK\r\n\r\n8\r\n\r\nOK\r\n")


@pytest.mark.parametrize(
    ("mode", "pattern"),
    [
        (CallerId.BETWEEN, r"^\r\nRING\r\n\r\nDATE = \d{4}\r\n\r\nTIME = \d{4}\r\n\r\nNMBR = 03\r\n\r\nRING\r\n$"),
        (CallerId.BEFORE, r"^\r\nDATE = \d{4}\r\n\r\nTIME = \d{4}\r\n\r\nNMBR = 03\r\n\r\nRING\r\n\r\nRING\r\n$"),
        (CallerId.NONE, r"^\r\nRING\r\n\r\nRING\r\n$"),
    ],
)
def test_ringing_and_the_callers_number(mode: CallerId, pattern: str) -> None:
    computer = Computer(caller_id=mode)
    computer.type("ATE0")
    computer.type("AT+VCID=1")
    assert computer.modem.ring("03", None)
    assert not computer.modem.ring("04", None)
    assert re.match(pattern, computer.pass_ms(5000).decode())


@given(st.binary(min_size=1, max_size=3 * BLOCK))
def test_what_the_line_says_is_received_byte_for_byte(sound: bytes) -> None:
    computer = Computer(reports_keys=False).in_call()
    assert computer.type("AT+VRX").startswith("\r\nCONNECT\r\n")
    padded = sound.ljust(-(-len(sound) // BLOCK) * BLOCK, b"\xff")
    pcm = decode(Coding.MU_LAW, padded)
    got = b"".join(computer.pass_ms(20, pcm[at : at + BLOCK]) for at in range(0, len(pcm), BLOCK))
    assert got == shield(encode(Coding.MU_LAW, pcm))


@pytest.mark.parametrize("stop", [b"\x10!", b"\x10\x1b"])
def test_receiving_is_paced_and_stops(stop: bytes) -> None:
    computer = Computer().in_call()
    computer.type("AT+VRX", 100)
    assert len(computer.pass_ms(1000)) == RATE_HZ
    computer.modem.from_computer(stop)
    assert computer.pass_ms(200).endswith(b"\x10\x03\r\nOK\r\n")
    assert computer.pass_ms(200) == b""


@pytest.mark.parametrize("cut", [1, 7, 160, 1000])
def test_what_is_played_reaches_the_line(cut: int) -> None:
    computer = Computer().in_call()
    assert "CONNECT" in computer.type("AT+VTX", 100)
    sound = bytes(range(256)) * 8
    stream = shield(sound).replace(b"\x10\x10\x10\x10", b"\x10\x1a") + b"\x10\x03"
    computer.heard.clear()
    for at in range(0, len(stream), cut):
        computer.modem.from_computer(stream[at : at + cut])
    assert computer.pass_ms(400) == b"\x10\x03\r\nOK\r\n"
    played = np.concatenate(computer.heard)[: len(sound)]
    assert (played == decode(Coding.MU_LAW, sound)).all()


def test_thrown_away_sound_is_not_played() -> None:
    computer = Computer().in_call()
    computer.type("AT+VTX", 100)
    computer.modem.from_computer(encode(Coding.MU_LAW, np.full(8000, 1000, np.int16)))
    computer.pass_ms(100)
    computer.modem.from_computer(b"\x10\x18\x10\x03")
    computer.heard.clear()
    assert computer.pass_ms(100) == b"\x10\x03\r\nOK\r\n"
    assert not np.concatenate(computer.heard).any()


def test_a_play_that_runs_dry_says_so_once() -> None:
    computer = Computer().in_call()
    computer.type("AT+VTX", 100)
    computer.modem.from_computer(b"\x80" * 400)
    assert computer.pass_ms(500) == b"\x10u"


def test_tones_by_command_last_as_long_as_they_should() -> None:
    computer = Computer().in_call()
    computer.heard.clear()
    computer.modem.from_computer(b"AT+VTS=[1400,0,85],[0,0,10],5\r")
    assert computer.pass_ms(1000) == b""
    assert computer.pass_ms(200) == b"\r\nOK\r\n"
    assert np.flatnonzero(np.concatenate(computer.heard)[: from_ms(900)])[-1] == from_ms(850) - 1


def test_digits_are_reported_beside_the_sound() -> None:
    computer = Computer().in_call()
    computer.type("AT+VRX", 100)
    pcm = np.pad(dtmf("1*D"), (0, 400))
    said = b"".join(computer.pass_ms(20, pcm[at : at + BLOCK]) for at in range(0, len(pcm) - BLOCK, BLOCK))
    assert re.findall(rb"\x10/\x10(.)\x10~", said) == [b"1", b"*", b"D"]
    quiet = Computer(reports_keys=False).in_call()
    quiet.type("AT+VRX", 100)
    assert b"\x10/" not in b"".join(quiet.pass_ms(20, pcm[at : at + BLOCK]) for at in range(0, 2400, BLOCK))


@pytest.mark.parametrize(
    ("sign", "events"), [(HangUpSign.BUSY, b"bbb"), (HangUpSign.LOOP, b"l"), (HangUpSign.NONE, b"")]
)
def test_the_far_end_hangs_up(sign: HangUpSign, events: bytes) -> None:
    computer = Computer(hang_up_sign=sign).in_call()
    computer.type("AT+VRX", 100)
    computer.modem.far_end_gone()
    said = computer.pass_ms(1600)
    assert b"".join(re.findall(rb"\x10([a-z])", said)) == events
    assert max(abs(decode(Coding.MU_LAW, said))) > 1000  # busy tone


def test_a_closed_port_hangs_up() -> None:
    computer = Computer().in_call()
    computer.modem.port_closed()
    assert not computer.modem.off_hook
    assert computer.type("AT") == "AT\r\r\nOK\r\n"


def test_faults() -> None:
    late = Computer(late_ms=500)
    assert late.type("AT", 400) == "AT\r"
    assert late.pass_ms(200) == b"\r\nOK\r\n"
    mute = Computer(mute_after_s=1)
    mute.pass_ms(1100)
    assert mute.type("AT") == ""
    lossy = Computer(drop_per_million=100_000).in_call()
    lossy.type("AT+VRX", 100)
    assert 0.85 < len(lossy.pass_ms(2000)) / (2 * RATE_HZ) < 0.95
    overrun = Computer(overrun_every_s=1).in_call()
    overrun.type("AT+VRX", 100)
    said = overrun.pass_ms(3000)
    assert said.count(b"\x10o") == 3
    assert len(said) == 3 * (RATE_HZ - from_ms(100) + 2)


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_whatever_is_typed_it_lives(typed: list[bytes]) -> None:
    computer = Computer().in_call()
    for data in typed:
        computer.modem.from_computer(data + b"\r")
        computer.pass_ms(60)
    assert len(computer.modem._typed) < 10_000


@pytest.mark.parametrize(
    ("dialect", "typed", "read"),
    [
        ("rockwell", "AT#CLS=?", "0,1,8"),
        ("rockwell", "AT+FCLASS=?", "0,1,2"),
        ("rockwell", "AT#VSR=?", "7200,8000,11025"),
        ("rockwell", "AT+VSM=?", "ERROR"),
        ("rockwell", "AT+IFC=2,2", "ERROR"),
        ("usr", "ATI3", "U.S. Robotics"),
        ("usr", "AT&H1&R2", "OK"),
        ("usr", "AT+IFC=2,2", "ERROR"),
        ("v253", "AT#CLS=8", "ERROR"),
        ("v253", "AT+VLS?", '0,""'),
    ],
)
def test_dialects(dialect: str, typed: str, read: str) -> None:
    assert read in Computer(dialect=dialect).type(typed)


def test_us_robotics_forgets() -> None:
    computer = Computer(dialect="usr").in_call()
    computer.type("AT+FCLASS=8")
    assert "ERROR" in computer.type("AT+VRX")


def test_rockwell_stops_at_any_byte() -> None:
    computer = Computer(dialect="rockwell")
    for command in ("ATE0V1", "AT#CLS=8", "AT#VSR=7200"):
        assert computer.type(command).endswith("OK\r\n")
    computer.modem.ring("03", None)
    assert "VCON" in computer.type("ATA")
    computer.type("AT#VRX", 100)
    assert abs(len(computer.pass_ms(1000)) - 7200) < 60
    computer.modem.from_computer(b"\x10!")
    assert computer.pass_ms(200).endswith(b"\x10\x03\r\nVCON\r\n")
    assert computer.type("AT#VTX").endswith("CONNECT\r\n")  # what was left of the order is no command


def test_dial_tone_without_a_call() -> None:
    for wanted in (True, False):
        computer = Computer(dial_tone=wanted)
        for command in ("ATE0V1", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VLS=1", "AT+VRX"):
            computer.type(command)
        assert (np.abs(decode(Coding.MU_LAW, computer.pass_ms(200))).max() > 1000) == wanted


def test_habits_of_text() -> None:
    assert Computer(echo_stays=True).type("ATE0") == "ATE0\r\r\nOK\r\n"
    assert Computer(echo_stays=True).type("ATE0V1\rAT").startswith("ATE0V1\r\r\nOK\r\nAT\r")
    assert Computer(numbers_stay=True).type("ATE0V1\rAT+FCLASS?", 400) == "ATE0V1\r0\r\r\n0\r\n0\r"
    slow = Computer(bytes_a_second=10)
    slow.modem.from_computer(b"AT\r")
    assert slow.pass_ms(400) == b"AT\r\r"
    assert len(Computer(babble=Babble.RINGS, babble_after_s=1).pass_ms(2000)) > 100_000
    assert Computer(babble=Babble.RINGS, babble_after_s=1, babble_for_s=1).pass_ms(5000).count(b"RING") < 30_000
    assert Computer(garbage_a_minute=600).pass_ms(3000) != b""
    mute = Computer(mute_after_s=0.1, mute_for_s=1)
    assert mute.pass_ms(200) + mute.type("AT", 400).encode() == b""
    mute.pass_ms(1000)
    assert "OK" in mute.type("AT")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (CallerIdForm.HEX, b"MESG = 4012010830343031323035300202303309023132"),
        (CallerIdForm.COMPLEX, b"\x10X\r\nDATE = 0401"),
        (CallerIdForm.KEYS, b"\x10A\x100\x103\x10C"),
    ],
)
def test_forms_of_caller_id(form: CallerIdForm, said: bytes) -> None:
    computer = Computer(caller_id=CallerId.BEFORE, caller_id_form=form)
    computer.type("ATE0")
    computer.type("AT+VCID=1")
    computer.modem.ring("03", "12")
    assert said in computer.pass_ms(1000)


def test_answering_car_loses_the_call() -> None:
    computer = Computer(caller_id=CallerId.CAR)
    for command in ("ATE0V1", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VCID=1"):
        computer.type(command)
    computer.modem.ring("03", None)
    assert computer.pass_ms(2500).count(b"RING") == 3
    computer.type("AT+VLS=1")
    assert not computer.modem._in_call
    other = Computer(caller_id=CallerId.CAR)
    other.modem.ring("03", None)
    said = other.pass_ms(9000)
    assert said.count(b"RING") == 5


def test_dialling_is_broken_off_by_any_byte() -> None:
    computer = Computer()
    computer.type("ATE0V1")
    assert computer.type("ATDT11;") == ""
    assert (computer.modem.dialled, computer.modem.off_hook) == ("11", True)
    computer.modem.from_computer(b"\r")
    assert b"NO CARRIER" in computer.pass_ms(200)
    assert not computer.modem.off_hook
