"""One connection to a hardware receiver, pure: its bytes and the time in; messages and our answers out.

    receiver   M ────────▶          M again after 4 s, three times ▶      heartbeat ▶
    us          stored? ── acknowledge ──▶ 06       (one 06, not one a copy)   ◀── 06

The protocol has no number by which an answer names its message: a receiver takes any 06 for the answer to what it sent
last. An 06 at the wrong moment would acknowledge a message that nobody has, so that

* an 06 goes out when the intake says so, for what the receiver waits for now, once, however often that was repeated;
* a heartbeat is answered at once or not at all: not while the intake has a message, nor after it has refused one;
* what comes again within a moment of its answer was sent before the receiver heard it (the two crossed, or we stood
  still and read what had piled up): no second 06. A receiver that did not hear the first repeats once more;
* from half a second before `ack_wait_s` after the last copy none goes out: the receiver gives up, or repeats.

**Telling a repetition.** While a message waits for the intake, the same bytes on this connection are its repetition and
are not handed over again. After that only a missing answer tells one: `acknowledge` says False if no 06 was written.
A message therefore carries no identity: the same `raw` on the same link is a repetition if, and only if, the answer to
the earlier one was not written. What is `Unread` has no `raw`, and carries the digest of its bytes with the marker
`UNLESS_ANSWERED`, to be compared under the same condition. A 06 that left and was lost on the way makes the receiver
send again what was answered: that comes as a new message, with identical bytes, because the second press of a button
looks exactly the same.

What is damaged (control characters, too long) is answered by 15, and what is damaged the same way again is no damage:
it is handed over as unread, so that no frame blocks a receiver for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from drivers.hardware.content import Beat, Dialect, Strange, Told, printable
from drivers.hardware.framing import HighBits, Piece, Splitter
from drivers.link import Alive, LinkInput, Received, Refused, Unread

UNLESS_ANSWERED: Final = "unless-answered:"
"""Before an identity that counts only against an earlier message whose acknowledgement was not written."""

MARGIN: Final = 0.125  # of the time a receiver waits: an 06 that leaves later may arrive when it waits no more
CROSSING_S: Final = 0.8  # on the way both ways, and 21 characters at 1200 baud; heartbeats are 1 s apart at least
SPARE_S: Final = 5.0  # beyond two intervals without a heartbeat (`receiver-output.md` §6)
WAITING_MAX: Final = 100  # messages that the intake has and has not answered: past it nothing more is read


@dataclass(frozen=True, slots=True)
class Answers:
    """What the receiver wants to hear. None: nothing."""

    taken: bytes | None = b"\x06"
    again: bytes | None = b"\x15"


ANSWERS: Final = {"06": Answers(), "cr": Answers(b"\r", None), "none": Answers(None, None)}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a receiver behaves.

    heartbeat_s  how often it says that it is there; 0: never, and then its silence is no fault
    ack_wait_s   how long it waits for an answer
    ask_every_s  how often it is asked for a sign of life, by 0x0D; 0: never
    """

    answers: Answers = Answers()
    heartbeat_s: float = 30.0
    ack_wait_s: float = 4.0
    ask_every_s: float = 0.0

    @property
    def answer_within_s(self) -> float:
        """How long after its last copy a frame is answered."""
        return self.ack_wait_s * (1 - MARGIN)

    @property
    def within_s(self) -> float | None:
        """How long it may be silent."""
        return 2 * self.heartbeat_s + SPARE_S if self.heartbeat_s > 0 else None


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for the receiver."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing has come for too long: close the connection and open another."""

    reason: str


Effect = Write | Drop | LinkInput


@dataclass(slots=True)
class _Message:
    """What the intake has, or has refused. tokens: not answered yet by the intake; sent_s: the last copy of it."""

    body: bytes
    tokens: set[int]
    sent_s: float
    refused: bool = False


@dataclass(slots=True)
class Session:
    """One connection, from its opening on. where: for people; tokens: never the same number twice on a link."""

    dialect: Dialect
    settings: Settings
    where: str
    tokens: Iterator[int]
    opened_s: float
    _waiting: dict[int, _Message] = field(default_factory=dict)
    _awaited: _Message | None = None  # what the receiver waits for, if it is a message
    _answered: tuple[bytes, float] | None = None  # what was answered last, and when
    _quiet_until_s: float = 0.0
    _damaged: str = ""  # digest of what was last asked for again
    _warned: set[str] = field(default_factory=set)
    _splitter: Splitter = field(init=False)
    _high: HighBits = field(default_factory=HighBits)
    _heard_s: float = field(init=False)
    _asked_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._splitter = Splitter(self.dialect.start, self.dialect.end)
        self._heard_s = self._asked_s = self.opened_s

    @property
    def full(self) -> bool:
        """The intake has as much of this connection as it should: read no more until it has answered some."""
        return len(self._waiting) >= WAITING_MAX

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        within, every = self.settings.within_s, self.settings.ask_every_s
        times = [self._heard_s + within] if within is not None else []
        return min([*times, self._asked_s + every] if every > 0 else times, default=None)

    def received(self, data: bytes, now: float) -> Iterator[Effect]:
        """Bytes came. Take every effect, in order: what the intake answers meanwhile counts for those behind it."""
        if self._high.feed(data):
            yield from self._warn(
                "over 80 % of the bytes have bit 7 set: set bits=7E1 (or 7O1), as the receiver has it"
            )
        for piece in self._splitter.feed(data):
            yield from self._piece(piece, now)

    def tick(self, now: float) -> list[Effect]:
        """Time has come to `now`."""
        within, every = self.settings.within_s, self.settings.ask_every_s
        effects: list[Effect] = []
        if every > 0 and now >= self._asked_s + every:
            self._asked_s = now
            effects.append(Write(b"\r"))
        if self.full:  # nothing is read, so silence proves nothing
            self._heard_s = now
        if within is not None and now >= self._heard_s + within:
            self._heard_s = now
            effects.append(Drop(f"{self.where}: no sign of life from the receiver for {within:.0f} s"))
        return effects

    def acknowledge(self, token: int, now: float) -> tuple[bool, list[Effect]]:
        """It is stored. Whether the receiver was told, or will be together with the rest of its frame."""
        message = self._waiting.pop(token, None)
        if message is None:
            return False, []
        message.tokens.discard(token)
        taken = self.settings.answers.taken
        if taken is None:
            return True, []
        if message.refused or message.tokens:
            return not message.refused, []
        if self._awaited is not message or now - message.sent_s > self.settings.answer_within_s:
            return False, []
        self._awaited, self._answered = None, (message.body, now)
        return True, [Write(taken)]

    def refuse(self, token: int) -> None:
        """It is not stored: silence, also towards a heartbeat, whose answer might be taken for the message's."""
        message = self._waiting.pop(token, None)
        if message is None:
            return
        message.tokens.discard(token)
        message.refused = True
        self._awaited = None
        self._quiet_until_s = max(self._quiet_until_s, message.sent_s + self.settings.ack_wait_s)

    # -- what comes -----------------------------------------------------------------------------------

    def _piece(self, piece: Piece, now: float) -> Iterator[Effect]:
        shown = printable(piece.body)
        if piece.parity:
            yield from self._warn("the receiver sends 7E1 and the port is set to 8N1; it is read all the same")
        text = piece.body.decode("latin-1")
        content = self.dialect.read(text)
        whole = not piece.first or isinstance(content, Beat) or (isinstance(content, Told) and content.fixed)
        if piece.stray or not whole:
            why = "part of a frame" if piece.stray else "possibly half a frame, the first on this connection"
            if self.settings.answers.taken is None:  # nobody will send it again
                yield from self._hand_over(piece.body, shown, Strange(None, why), now)
            else:
                yield Refused(self.where, f"{why}; not answered", shown)
            return
        if why := self._damage(piece, text):
            yield from self._again(piece, shown, why, now)
            return
        self._heard_s = now
        if isinstance(content, Beat):
            yield Alive(content.path, self.settings.within_s)
            yield from self._beat(piece.body, now)
        elif not self._repeated(piece.body, now):
            yield from self._hand_over(piece.body, shown, content, now)

    def _beat(self, body: bytes, now: float) -> list[Effect]:
        """The answer to a heartbeat; a message that was sent before it has been given up, and comes again."""
        self._awaited = None
        taken = self.settings.answers.taken
        if taken is None or self._waiting or now < self._quiet_until_s or self._just_answered(body, now):
            return []
        self._answered = (body, now)
        return [Write(taken)]

    def _damage(self, piece: Piece, text: str) -> str:
        if piece.too_long:
            return f"{piece.length} bytes without an end"
        if any(octet < 32 or octet == 127 for octet in piece.body):
            return "control characters within a frame"
        if any(octet > 126 for octet in piece.body) and not self.dialect.loose(text):
            return "bit 7 set within a frame"
        return ""

    def _again(self, piece: Piece, shown: str, why: str, now: float) -> Iterator[Effect]:
        """Ask for a damaged frame again; one that comes the same again, or cannot be asked for, is unread."""
        answers = self.settings.answers
        if answers.taken is not None and self._damaged != piece.digest:
            self._damaged = piece.digest
            self._awaited = None
            yield Refused(self.where, why, shown)
            if answers.again is not None:
                yield Write(answers.again)
            return
        self._heard_s = now
        body = piece.digest.encode()
        if answers.taken is not None:
            why += ", and the same again"
        if not self._repeated(body, now):
            yield from self._hand_over(body, shown, Strange(None, why), now)

    def _hand_over(self, body: bytes, shown: str, content: Told | Strange, now: float) -> Iterator[Effect]:
        count = len(content.frames) if isinstance(content, Told) else 1
        tokens = [next(self.tokens) for _ in range(count)]
        message = _Message(body, set(tokens), now)
        self._awaited = message
        self._waiting |= dict.fromkeys(tokens, message)
        if isinstance(content, Told):
            for token, frame in zip(tokens, content.frames, strict=True):
                yield Received(token, frame, content.path)
            return
        identity = UNLESS_ANSWERED + hashlib.sha256(body).hexdigest()
        answered = self.settings.answers.taken is not None
        yield Unread(tokens[0], shown, content.path or self.where, content.why, identity if answered else None)

    def _repeated(self, body: bytes, now: float) -> bool:
        """Whether these bytes are a repetition of what needs no second handing over; noted as what is awaited."""
        if self.settings.answers.taken is None:
            return False
        for message in self._waiting.values():
            if message.body == body:
                message.sent_s, self._awaited = now, message
                return True
        if self._just_answered(body, now):
            self._awaited = None
            return True
        return False

    def _just_answered(self, body: bytes, now: float) -> bool:
        return self._answered is not None and self._answered[0] == body and now - self._answered[1] < CROSSING_S

    def _warn(self, why: str) -> Iterator[Effect]:
        if why not in self._warned:
            self._warned.add(why)
            yield Refused(self.where, why)
