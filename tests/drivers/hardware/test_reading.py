"""One connection, pure: what is handed over, and that no 06 leaves before, or besides, the one that is due."""

from __future__ import annotations

import hashlib
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hardware import ademco_685, surgard
from drivers.hardware.reading import ANSWERS, UNLESS_ANSWERED, Drop, Effect, Session, Settings, Write
from drivers.link import Alive, Received, Refused, Unread

MESSAGE = b"5011 181234E12101001\x14"
OTHER = b"5011 181234R12101001\x14"
STRANGE = b"9011 what is this\x14"
BEAT = b"1011           @    \x14"
ACK, NAK = Write(b"\x06"), Write(b"\x15")
MLR2 = Settings()


class Line:
    """A session, with the frame before it behind it, so that the next one is no half frame."""

    def __init__(self, settings: Settings = MLR2, dialect: str = "surgard", *, fresh: bool = False) -> None:
        made = ademco_685.dialect() if dialect == "ademco685" else surgard.dialect()
        self.session = Session(made, settings, "port", count(1), 0.0)
        if not fresh:
            assert list(self.session.received(b"\x14" if dialect == "surgard" else b"", 0.0)) == []

    def get(self, data: bytes, at: float = 0.0) -> list[Effect]:
        return list(self.session.received(data, at))

    def token(self, data: bytes, at: float = 0.0) -> int:
        (handed,) = self.get(data, at)
        assert isinstance(handed, Received | Unread)
        return handed.token


def test_stored_then_acknowledged_and_not_before() -> None:
    line = Line()
    (handed,) = line.get(MESSAGE)
    assert isinstance(handed, Received)
    assert (handed.frame.account, handed.path, handed.identity) == ("1234", "receiver 01 line 1", None)
    assert line.session.acknowledge(handed.token, 0.1) == (True, [ACK])
    assert line.session.acknowledge(handed.token, 0.2) == (False, [])


def test_a_heartbeat_is_answered_at_once_and_says_how_long_silence_may_last() -> None:
    assert Line().get(BEAT) == [Alive("receiver 01", 65.0), ACK]
    assert Line(Settings(heartbeat_s=0)).get(BEAT) == [Alive("receiver 01", None), ACK]


def test_a_repetition_while_the_intake_has_it_is_answered_once() -> None:
    line = Line()
    token = line.token(MESSAGE)
    assert line.get(MESSAGE, 4.0) == []
    assert line.get(MESSAGE, 8.0) == []
    assert line.session.acknowledge(token, 8.5) == (True, [ACK])


def test_a_second_press_after_the_answer_is_new() -> None:
    line = Line()
    first = line.token(MESSAGE)
    assert line.session.acknowledge(first, 0.01) == (True, [ACK])
    assert line.token(MESSAGE, 0.9) != first


def test_a_repetition_that_crosses_with_the_answer_is_neither_new_nor_answered() -> None:
    line = Line()
    token = line.token(MESSAGE)
    assert line.session.acknowledge(token, 3.4) == (True, [ACK])
    assert line.get(MESSAGE, 4.1) == []  # the receiver sent it before it heard us: it is content
    assert line.token(MESSAGE, 8.1) > token  # it was not: it repeats, and that is handed over


def test_what_piled_up_while_we_stood_still_is_answered_once() -> None:
    line = Line()
    assert line.get(BEAT * 3, 20.0).count(ACK) == 1
    assert line.get(BEAT, 20.1) == [Alive("receiver 01", 65.0)]
    assert line.get(BEAT, 24.1)[-1] == ACK
    token = line.token(MESSAGE * 2, 40.0)
    assert line.session.acknowledge(token, 40.1) == (True, [ACK])
    assert line.get(MESSAGE * 2, 40.2) == []


def test_no_answer_past_what_the_receiver_waits_for() -> None:
    line = Line()
    token = line.token(MESSAGE)
    assert line.session.acknowledge(token, 3.6) == (False, [])  # it would arrive as the receiver gives up, or repeats
    again = line.token(MESSAGE, 4.0)
    assert line.session.acknowledge(again, 4.1) == (True, [ACK])


def test_a_heartbeat_gets_no_answer_while_a_message_waits_nor_the_message_then() -> None:
    line = Line()
    token = line.token(MESSAGE)
    assert line.get(BEAT, 1.0) == [Alive("receiver 01", 65.0)]
    # The receiver waits for the answer to its heartbeat. One to the message would be taken for that, and the message
    # would come again and look like a second press.
    assert line.session.acknowledge(token, 2.0) == (False, [])
    assert line.get(BEAT, 5.0)[-1] == ACK
    assert line.session.acknowledge(line.token(MESSAGE, 5.1), 5.2) == (True, [ACK])


def test_what_is_refused_is_answered_by_silence_and_so_is_the_heartbeat_behind_it() -> None:
    line = Line()
    line.session.refuse(line.token(MESSAGE))
    assert line.get(BEAT, 2.0) == [Alive("receiver 01", 65.0)]
    token = line.token(MESSAGE, 4.0)  # it comes again, and may be stored this time
    assert line.session.acknowledge(token, 4.1) == (True, [ACK])
    assert line.get(BEAT, 34.0)[-1] == ACK


def test_a_heartbeat_held_behind_a_message_that_is_refused_gets_no_answer() -> None:
    line = Line()
    token = line.token(MESSAGE)
    assert line.get(BEAT, 1.0) == [Alive("receiver 01", 65.0)]
    line.session.refuse(token)
    assert line.get(BEAT, 31.0)[-1] == ACK


def test_a_message_that_was_given_up_for_another_is_not_answered() -> None:
    line = Line()
    first, second = line.token(MESSAGE), line.token(OTHER, 1.0)
    assert line.session.acknowledge(first, 1.1) == (False, [])
    assert line.session.acknowledge(second, 1.2) == (True, [ACK])


def test_what_no_table_has_is_handed_over_as_it_is_and_answered() -> None:
    line = Line()
    (unread,) = line.get(STRANGE)
    digest = hashlib.sha256(STRANGE[:-1]).hexdigest()
    assert unread == Unread(1, "9011 what is this", "receiver 01", "unknown type '9'", UNLESS_ANSWERED + digest)
    assert line.session.acknowledge(1, 0.1) == (True, [ACK])


def test_a_block_of_two_events_is_answered_when_both_are_stored() -> None:
    line = Line()
    first, second = line.get(b"S011[#1234|NMA001/FA002]\x14")
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert line.session.acknowledge(second.token, 0.1) == (True, [])
    assert line.session.acknowledge(first.token, 0.2) == (True, [ACK])


def test_a_block_of_which_one_event_is_refused_is_not_answered() -> None:
    line = Line()
    first, second = line.get(b"S011[#1234|NMA001/FA002]\x14")
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    line.session.refuse(first.token)
    assert line.session.acknowledge(second.token, 0.2) == (False, [])


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (b"5011 181234\x00E12101001\x14", "control"),
        (b"5011 18\xb1234E12101001\x14", "bit 7"),
        (b"5011 18" + b"1" * 1000 + b"\x14", "1007 bytes"),
    ],
)
def test_what_is_damaged_is_asked_for_again_and_the_same_again_is_handed_over(damaged: bytes, why: str) -> None:
    line = Line()
    refused, nak = line.get(damaged)
    assert isinstance(refused, Refused)
    assert why in refused.why
    assert nak == NAK
    (unread,) = line.get(damaged, 1.0)
    assert isinstance(unread, Unread)
    assert why in unread.why
    assert line.get(damaged, 5.0) == []
    assert line.session.acknowledge(unread.token, 5.1) == (True, [ACK])


def test_damage_that_changes_is_asked_for_again_each_time() -> None:
    line = Line()
    assert line.get(b"5011 181234\x00E12101001\x14")[-1] == NAK
    assert line.get(b"5011 18123\x024E12101001\x14")[-1] == NAK
    assert isinstance(line.get(MESSAGE)[0], Received)


def test_half_a_frame_at_the_start_is_dropped_and_a_whole_one_is_not() -> None:
    line = Line(fresh=True)
    (refused,) = line.get(MESSAGE[9:])
    assert isinstance(refused, Refused)
    assert "half a frame" in refused.why
    assert isinstance(line.get(MESSAGE)[0], Received)
    assert isinstance(Line(fresh=True).get(MESSAGE)[0], Received)
    assert Line(fresh=True).get(BEAT)[-1] == ACK


@given(st.integers(1, 20), st.sampled_from([MESSAGE, BEAT, b"501001 181234E12101001\x14", b"3011      1234MA0001\x14"]))
def test_no_half_frame_is_taken_for_a_whole_one(cut: int, frame: bytes) -> None:
    (first,) = Line(fresh=True).get(frame[cut:]) or [Refused("", "")]
    assert isinstance(first, Refused)


def test_a_port_on_eight_bits_reads_seven_with_parity_and_says_so_once() -> None:
    def even(data: bytes) -> bytes:
        return bytes(octet | (octet.bit_count() % 2 << 7) for octet in data)

    line = Line()
    warned, handed = line.get(even(MESSAGE))
    assert isinstance(warned, Refused)
    assert "7E1" in warned.why
    assert isinstance(handed, Received)
    assert handed.frame.raw == MESSAGE[:-1].decode()
    assert line.session.acknowledge(handed.token, 0.1) == (True, [ACK])
    assert isinstance(line.get(even(OTHER))[0], Received)


def test_mostly_bit_seven_is_a_warning_of_its_own() -> None:
    line = Line()
    (warned,) = line.get(b"\xb1" * 64)
    assert isinstance(warned, Refused)
    assert "bits=7E1" in warned.why
    assert line.get(b"\xb1" * 64) == []


def test_a_receiver_that_says_nothing_is_dropped_after_two_intervals_and_five_seconds() -> None:
    line = Line(Settings(heartbeat_s=10))
    line.get(BEAT, 7.0)
    assert line.session.deadline == 32.0
    assert line.session.tick(31.9) == []
    (drop,) = line.session.tick(32.0)
    assert isinstance(drop, Drop)
    assert "25 s" in drop.reason
    assert Line(Settings(heartbeat_s=0)).session.deadline is None


def test_every_message_counts_as_a_sign_of_life_but_noise_does_not() -> None:
    line = Line(Settings(heartbeat_s=10))
    line.get(MESSAGE, 5.0)
    assert line.session.deadline == 30.0
    line.get(b"5011 \x00\x14", 9.0)
    assert line.session.deadline == 30.0


def test_a_685_may_want_a_carriage_return() -> None:
    line = Line(Settings(ANSWERS["cr"]), "ademco685")
    token = line.token(b"\n11 1234 18 E101 00 C001\r")
    assert line.session.acknowledge(token, 0.1) == (True, [Write(b"\r")])
    assert line.get(b"\n11 OKAY @ \r") == [Alive("receiver 1", 65.0), Write(b"\r")]
    assert [type(one) for one in line.get(b"\n11 1\x001 18\r")] == [Refused]  # it has no byte for "again"


def test_without_answers_the_same_bytes_are_another_message() -> None:
    line = Line(Settings(ANSWERS["none"]), "ademco685")
    first, second = line.get(b"\n12 1234 7\r" * 2)
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert line.session.acknowledge(first.token, 9.0) == (True, [])
    assert line.get(b"\n11 OKAY @ \r") == [Alive("receiver 1", 65.0)]


def test_without_answers_nothing_is_dropped_because_nothing_comes_again() -> None:
    line = Line(Settings(ANSWERS["none"]), "ademco685", fresh=True)
    for data in (b"34 7\r", b"\n12 12\x00 7\r", b"\nwhatever\r"):
        (unread,) = line.get(data)
        assert isinstance(unread, Unread)
        assert unread.identity is None


def test_it_can_be_asked_for_a_sign_of_life() -> None:
    line = Line(Settings(ask_every_s=20), "ademco685")
    assert line.session.deadline == 20.0
    assert line.session.tick(20.0) == [Write(b"\r")]
    assert line.session.deadline == 40.0


def test_a_sender_that_waits_for_nothing_is_held_up() -> None:
    line = Line()
    for number in range(100):
        assert not line.session.full
        line.get(b"5011 18%04dE12101001\x14" % number)
    assert line.session.full
    assert line.session.tick(1_000.0) == []  # nothing is read: its silence is ours
    line.session.acknowledge(1, 0.1)
    assert not line.session.full


FRAMES = st.sampled_from(
    [MESSAGE, OTHER, STRANGE, BEAT, b"5011 \x02\x14", b"5011 \xff\x14", b"S011[#12|NMA1/FA2]\x14", b"\x14"]
)
STREAMS = st.lists(st.one_of(FRAMES, st.binary(max_size=12)), max_size=10).map(b"".join)


@given(st.sampled_from(["surgard", "ademco685"]), STREAMS, st.lists(st.integers(0, 300), max_size=8))
def test_any_cutting_gives_the_same(dialect: str, data: bytes, cuts: list[int]) -> None:
    if dialect == "ademco685":
        data = data.replace(b"\x14", b"\r\n")
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole, cut = Line(dialect=dialect, fresh=True), Line(dialect=dialect, fresh=True)
    parts = [data[first:behind] for first, behind in pairwise(edges)]
    assert [effect for part in parts for effect in cut.get(part)] == whole.get(data)


class Checked:
    """A session under random orders: counts what left against what was due."""

    def __init__(self, answers: str) -> None:
        self.line = Line(Settings(ANSWERS[answers]))
        self.now, self.due, self.left = 0.0, 0, 0
        self.waiting: list[int] = []

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Received | Unread):
                self.waiting.append(effect.token)
            elif isinstance(effect, Alive):
                self.due += 1
            elif isinstance(effect, Write) and effect.data != b"\x15":
                self.left += 1
        assert self.left <= self.due


@given(
    st.sampled_from(["06", "cr"]),
    st.lists(st.one_of(FRAMES, st.floats(0, 9), st.sampled_from(["ack", "refuse"])), max_size=40),
)
def test_never_more_answers_than_heartbeats_and_stored_messages(answers: str, steps: list[bytes | float | str]) -> None:
    checked = Checked(answers)
    for step in steps:
        if isinstance(step, bytes):
            before = checked.left
            effects = checked.line.get(step, checked.now)
            held = bool(checked.waiting) or any(isinstance(one, Received | Unread) for one in effects)
            checked.take(effects)
            assert not held or checked.left == before, "an answer left while a message was not stored"
        elif isinstance(step, float):
            checked.now += step
        elif checked.waiting:
            token = checked.waiting.pop(0)
            if step == "refuse":
                checked.line.session.refuse(token)
                continue
            told, effects = checked.line.session.acknowledge(token, checked.now)
            checked.due += told
            checked.take(effects)
