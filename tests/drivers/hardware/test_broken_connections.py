"""Connections that break at any byte, both directions, pure and in virtual time: nothing lost, nothing doubled.

What the protocol cannot tell apart is counted, not wished away: an acknowledgement that left and never arrived makes
the sender repeat what was stored, and a second press looks the same. Bytes take less than a second or are lost with
their connection, and a program that has read a frame answers it within ten seconds or not at all: beyond that no
protocol whose acknowledgement names nothing is safe.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from drivers.hardware import surgard
from drivers.hardware.content import Header
from drivers.hardware.reading import UNLESS_ANSWERED, Session, Settings, Write
from drivers.hardware.sending import Delivered, Sender
from drivers.hardware.sending import Settings as Sending
from drivers.hardware.sending import Write as Sent
from drivers.link import Received, Unread
from sim.hardware_receiver import HardwareReceiver, ReceiverHabits
from sim.monitoring_program import MonitoringProgram

FRAMES = [
    b"5011 181234E10100001\x14",
    b"5011 181234R10100001\x14",
    b"5012 18B2F4E60200000\x14",
    b"3011      1234MA0001\x14",
    b"9011 of a kind nobody knows\x14",
]
CALM_STEPS = 2_000


class Store:
    """The intake's journal as far as it matters here: linked as `receptions.store` does it."""

    def __init__(self) -> None:
        self.originals: list[tuple[str, int]] = []  # what tells a repetition, the first reception of it
        self.answered: set[int] = set()
        self.new: Counter[str] = Counter()
        self.told: Counter[str] = Counter()

    def commit(self, message: Received | Unread) -> int:
        key = message.frame.raw if isinstance(message, Received) else str(message.identity)
        assert isinstance(message, Received) or key.startswith(UNLESS_ANSWERED)
        open_ones = [first for one, first in self.originals if one == key and first not in self.answered]
        number = len(self.originals)
        self.originals.append((key, open_ones[-1] if open_ones else number))
        if not open_ones:
            self.new[key] += 1
        return number

    def acknowledged(self, number: int) -> None:
        key, first = self.originals[number]
        self.answered.add(first)
        self.told[key] += 1


def key_of(frame: bytes) -> str:
    """How `Store` calls what this frame brings."""
    session = Session(surgard.dialect(), Settings(), "port", count(1), 0.0)
    (message,) = [one for one in session.received(b"\x14" + frame, 0.0) if isinstance(one, Received | Unread)]
    return message.frame.raw if isinstance(message, Received) else str(message.identity)


KEYS = {frame: key_of(frame) for frame in FRAMES}


class Reading(RuleBasedStateMachine):
    """A hardware receiver, a wire, our session, an intake that takes its time."""

    @initialize(half=st.sampled_from([b"", b"34E10100001\x14", b"    @    \x14"]))
    def begin(self, half: bytes) -> None:
        self.now = 0.0
        self.receiver = HardwareReceiver(ReceiverHabits(begins_with=half))
        self.store = Store()
        self.tokens = count(1)
        self.pressed: Counter[str] = Counter()
        self.destroyed = 0  # acknowledgements that left and did not arrive
        self.connect()

    def connect(self) -> None:
        self.session = Session(surgard.dialect(), Settings(), "port", self.tokens, self.now)
        self.waiting: list[tuple[Received | Unread, Session]] = []
        self.to_us, self.to_receiver = bytearray(), bytearray()
        self.to_us += self.receiver.opened(self.now)

    # -- steps --------------------------------------------------------------------------------------

    @rule(frame=st.sampled_from(FRAMES))
    def press(self, frame: bytes) -> None:
        self.pressed[KEYS[frame]] += 1
        self.receiver.press(frame)
        self.to_us += self.receiver.tick(self.now)

    @rule(size=st.integers(1, 30))
    def bytes_to_us(self, size: int) -> None:
        data = bytes(self.to_us[:size])
        del self.to_us[:size]
        for effect in self.session.received(data, self.now):
            if isinstance(effect, Write):
                self.to_receiver += effect.data
            elif isinstance(effect, Received | Unread):
                self.waiting.append((effect, self.session))

    @rule()
    def bytes_to_receiver(self) -> None:
        data = bytes(self.to_receiver)
        self.to_receiver.clear()
        self.to_us += self.receiver.heard(data, self.now)

    @precondition(lambda self: self.waiting)
    @rule()
    def stored(self) -> None:
        message, session = self.waiting.pop(0)
        number = self.store.commit(message)
        told, effects = session.acknowledge(message.token, self.now)
        for effect in effects:
            assert isinstance(effect, Write)
            self.to_receiver += effect.data
        if told:
            self.store.acknowledged(number)

    @precondition(lambda self: self.waiting)
    @rule()
    def refused(self) -> None:
        message, session = self.waiting.pop(0)
        session.refuse(message.token)

    @rule(killed=st.booleans(), stored=st.booleans())
    def breaks(self, killed: bool, stored: bool) -> None:
        """What is in flight is lost. The intake stores what it has; or we die, with the oldest of it stored or not."""
        self.destroyed += self.to_receiver.count(0x06)
        self.receiver.closed()
        for message, _ in self.waiting[:stored] if killed else self.waiting:
            self.store.commit(message)  # and `acknowledge` says False: the connection is gone
        self.connect()

    @rule(seconds=st.floats(0.05, 8.0))
    def time(self, seconds: float) -> None:
        """Up to the next thing that happens by itself; nothing stays in flight meanwhile."""
        self.flush()
        deadline = self.receiver.deadline
        self.now = max(self.now, min(self.now + seconds, deadline if deadline is not None else self.now + seconds))
        self.to_us += self.receiver.tick(self.now)

    @precondition(lambda self: self.waiting and self.receiver.deadline is not None)
    @rule()
    def stored_just_before_it_repeats(self) -> None:
        """Our answer and the next copy are on the way at the same time."""
        self.flush()
        self.now = max(self.now, self.receiver.deadline - 0.6)
        self.stored()
        self.now = max(self.now, self.receiver.deadline)
        self.to_us += self.receiver.tick(self.now)

    @rule(steps=st.integers(2, 8))
    def much_time(self, steps: int) -> None:
        for _ in range(steps):
            self.time(8.0)

    @rule(steps=st.integers(1, 8))
    def frozen(self, steps: int) -> None:
        """We stand still (a virtual machine that is moved): what comes meanwhile is read afterwards, all at once."""
        self.flush()
        for _ in range(steps):
            deadline = self.receiver.deadline
            if deadline is not None:
                self.now = max(self.now, deadline)
            self.to_us += self.receiver.tick(self.now)
        self.bytes_to_us(10_000)

    def flush(self) -> None:
        while self.to_us or self.to_receiver:
            self.bytes_to_us(1_000)
            self.bytes_to_receiver()

    # -- promises -----------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "store"):
            return
        for key, number in Counter(KEYS[frame] for frame in self.receiver.taken).items():
            assert self.store.new[key] >= number, "the receiver was told that a message is stored, and it is not"

    @invariant()
    def nothing_is_doubled(self) -> None:
        if not hasattr(self, "store"):
            return
        for key, number in self.store.new.items():
            assert number <= self.store.told[key] + 1, "new once more, without an answer in between"

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for _ in range(CALM_STEPS):
            self.flush()
            while self.waiting:
                self.stored()
                self.flush()
            if not self.receiver.memory:
                break
            self.time(40.0)
        assert not self.receiver.memory, "in the calm everything is taken"
        surplus = sum((self.store.new - self.pressed).values())
        assert not self.pressed - self.store.new
        assert surplus <= self.destroyed + self.receiver.late, "more is new than acknowledgements were lost"


class Sending_(RuleBasedStateMachine):
    """An outbox, our sender, a wire, a monitoring program in any temper."""

    @initialize(heartbeat_s=st.sampled_from([0.0, 30.0]), answer_after_s=st.sampled_from([0.0, 0.5, 6.0]))
    def begin(self, heartbeat_s: float, answer_after_s: float) -> None:
        self.now = 0.0
        self.settings = Sending(surgard.heartbeat(Header("01", "1")), heartbeat_s)
        self.sender = Sender(self.settings)
        self.program = MonitoringProgram(answer_after_s=answer_after_s)
        self.outbox: list[bytes] = []
        self.delivered: list[int] = []
        self.copies: Counter[bytes] = Counter()
        self.to_program, self.to_us = bytearray(), bytearray()
        self.connect()

    def connect(self) -> None:
        self.to_program.clear()
        self.to_us.clear()
        self.program.opened(self.now)
        self.perform(self.sender.opened(self.now))

    def perform(self, effects: list[object]) -> None:
        for effect in effects:
            if isinstance(effect, Sent):
                self.copies[effect.data] += 1
                self.to_program += effect.data
            elif isinstance(effect, Delivered):
                assert self.outbox[effect.seq - 1] in self.program.stored, "delivered, and the program has it not"
                self.delivered.append(effect.seq)
        self.offer()

    def offer(self) -> None:
        position = self.sender.wants()
        if position is not None and position < len(self.outbox):
            self.perform(list(self.sender.offer(position + 1, self.outbox[position], self.now)))

    # -- steps --------------------------------------------------------------------------------------

    @rule(number=st.integers(1, 3))
    def messages(self, number: int) -> None:
        for _ in range(number):
            self.outbox.append(b"5011 181234E101%05d\x14" % len(self.outbox))
        self.offer()

    @rule(size=st.integers(1, 30))
    def bytes_to_program(self, size: int) -> None:
        data = bytes(self.to_program[:size])
        del self.to_program[:size]
        self.to_us += self.program.heard(data, self.now)

    @rule()
    def bytes_to_us(self) -> None:
        data = bytes(self.to_us)
        self.to_us.clear()
        self.perform(list(self.sender.received(data, self.now)))

    @rule(answer_after_s=st.sampled_from([0.0, 0.5, 6.0]))
    def takes_its_time(self, answer_after_s: float) -> None:
        self.program.answer_after_s = answer_after_s

    @rule(frames=st.integers(1, 5))
    def refuses(self, frames: int) -> None:
        self.program.refuse = frames

    @rule(silent=st.booleans(), hung=st.booleans())
    def ails(self, silent: bool, hung: bool) -> None:
        """It hangs between two frames: an answer that it owes comes within ten seconds, or never."""
        self.program.silent, self.program.hung = silent, hung and self.program.deadline is None
        self.to_us += self.program.tick(self.now)

    @rule(killed=st.booleans())
    def breaks(self, killed: bool) -> None:
        """The wire; or we die, and what is on disk is the outbox and the position."""
        self.program.closed()
        if killed:
            self.sender = Sender(self.settings, self.sender.position)
        else:
            self.perform(list(self.sender.lost("cut")))
        self.connect()

    @rule(seconds=st.floats(0.05, 12.0))
    def time(self, seconds: float) -> None:
        self.flush()
        deadlines = [one for one in (self.sender.deadline, self.program.deadline) if one is not None]
        self.now = max(self.now, min([self.now + seconds, *deadlines]))
        self.to_us += self.program.tick(self.now)
        self.bytes_to_us()
        self.perform(list(self.sender.tick(self.now)))

    @rule(steps=st.integers(2, 12))
    def much_time(self, steps: int) -> None:
        for _ in range(steps):
            self.time(3.0)

    def flush(self) -> None:
        while self.to_us or self.to_program:
            self.bytes_to_program(10_000)
            self.bytes_to_us()

    # -- promises -----------------------------------------------------------------------------------

    @invariant()
    def each_once_and_in_order(self) -> None:
        if hasattr(self, "delivered"):
            assert self.delivered == list(range(1, len(self.delivered) + 1))

    @invariant()
    def the_program_gets_them_in_order_and_only_copies_of_them(self) -> None:
        if not hasattr(self, "program"):
            return
        whole = [frame for frame in self.program.stored if frame in self.copies]
        assert list(dict.fromkeys(whole)) == self.outbox[: len(dict.fromkeys(whole))]
        for frame, number in Counter(whole).items():
            assert number <= self.copies[frame]

    def teardown(self) -> None:
        if not hasattr(self, "program"):
            return
        self.takes_its_time(0.0)
        self.ails(False, False)
        for _ in range(CALM_STEPS):
            self.flush()
            if len(self.delivered) == len(self.outbox):
                break
            self.time(12.0)
        assert len(self.delivered) == len(self.outbox), "in the calm everything is delivered"
        assert set(self.outbox) <= set(self.program.stored)


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSending = Sending_.TestCase
TestSending.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
