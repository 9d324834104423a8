"""Receivers that a centre has already, as a `Link`: `surgard:/dev/ttyS0`, `surgard:tcp://10.0.0.7:1025` and alike.

The thin shell around `reading.py`, `watch.py` and `keeping.py`: connections, clock, tokens; decisions are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from drivers.hardware import ademco_685, surgard
from drivers.hardware.content import Dialect
from drivers.hardware.keeping import Keeper
from drivers.hardware.places import parse_place
from drivers.hardware.reading import ANSWERS, Drop, Effect, Session, Settings, Write
from drivers.hardware.tcp_wire import ListenPlace
from drivers.hardware.watch import Watch
from drivers.hardware.wires import STOPPED, Place, Wire
from drivers.line import Fault, Healed
from drivers.link import Alive, Deliver, LinkInput, Received, Refused, Unread

LISTEN_GRACE_S: Final = 20.0  # a receiver connects again by itself, within seconds; a fault is shown within 30 s
PART_BYTES: Final = 1_024
OPTIONS: Final = {
    "baud": "9600",
    "bits": "8N1",
    "rtscts": "no",
    "header": "auto",
    "heartbeat": "30",
    "ack_wait_s": "4",
    "acknowledge": "06",
    "ask_every_s": "0",
    "peers": "",
    "receivers": "",
}
FOR_ONE: Final = {"header": "surgard"}  # options of one make alone


@dataclass(slots=True)
class _Connection:
    """held: bytes that came while the intake had enough to do; dropped: closed by us because nothing came."""

    wire: Wire
    session: Session
    held: bytearray = field(default_factory=bytearray)
    paused: bool = False
    dropped: bool = False
    timer: asyncio.TimerHandle | None = None


class ReceiverLink:
    """One place where receivers are: a port, an address, or as many as connect to us."""

    def __init__(
        self, name: str, place: Place, dialect: Dialect, settings: Settings, receivers: tuple[str, ...] = ()
    ) -> None:
        self._name, self._place, self._dialect, self._settings = name, place, dialect, settings
        self._receivers = receivers
        self._deliver: Deliver = _nobody
        self._tokens = count(1)
        self._owners: dict[int, _Connection] = {}  # by token
        self._connections: dict[int, _Connection] = {}  # by the wire's id()
        grace: float | None = 0.0
        if isinstance(place, ListenPlace):
            grace = LISTEN_GRACE_S if settings.within_s is not None else None
        self._watch = Watch(grace)
        self._keeper = Keeper(self._tokens) if settings.answers.taken is None else None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def place(self) -> Place:
        """Where the receivers are."""
        return self._place

    @property
    def expected(self) -> tuple[Alive, ...]:
        """Receivers that are missed if they are never heard at all, by the numbers that their heartbeats give."""
        within = self._settings.within_s
        return tuple(Alive(f"receiver {number}", within) for number in self._receivers) if within is not None else ()

    async def run(self, deliver: Deliver) -> None:
        """Serve the place until cancelled."""
        self._deliver = deliver
        try:
            await self._place.serve(self)
        finally:
            self._deliver = _nobody
            if self._timer is not None:
                self._timer.cancel()

    def acknowledge(self, token: int) -> bool:
        """The message is stored: tell the receiver. False if nothing could be written: it will send again."""
        if self._keeper is not None:
            self._keeper.stored(token)
        connection = self._owners.pop(token, None)
        if connection is None:
            return self._keeper is not None
        told, effects = connection.session.acknowledge(token, _now())
        written = self._perform(connection, effects)
        self._read_on(connection)
        return told and written

    def refuse(self, token: int) -> None:
        """The message is not stored: silence, and the receiver sends again."""
        if self._keeper is not None:
            for lost in self._keeper.refused(token, _now()):
                self._deliver(lost)
        connection = self._owners.pop(token, None)
        if connection is not None:
            connection.session.refuse(token)
            self._read_on(connection)
        self._set_timers(None)

    # -- what the place says --------------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """A connection is there."""
        session = Session(self._dialect, self._settings, wire.where, self._tokens, _now())
        connection = self._connections[id(wire)] = _Connection(wire, session)
        self._tell(self._watch.opened())
        self._set_timers(connection)

    def received(self, wire: Wire, data: bytes) -> None:
        """Bytes came by it."""
        connection = self._connections.get(id(wire))
        if connection is not None:
            connection.held += data
            if not connection.paused:
                self._read(connection)

    def written(self, wire: Wire) -> None:
        """Nothing waits for that here."""

    def lost(self, wire: Wire, reason: str) -> None:
        """It is gone, and with it whatever was not answered."""
        connection = self._connections.pop(id(wire), None)
        if connection is None:
            return
        if connection.timer is not None:
            connection.timer.cancel()
        if self._keeper is not None:  # whoever sends no message twice has sent these, too
            self._perform(connection, connection.session.received(bytes(connection.held), _now()))
        self._owners = {token: one for token, one in self._owners.items() if one is not connection}
        if reason is not STOPPED:
            self._tell(self._watch.lost(reason, _now(), mute=connection.dropped))
            self._set_timers(None)

    def failed(self, reason: str) -> None:
        """It could not be opened."""
        self._tell(self._watch.failed(reason))

    def listening(self) -> None:
        """Receivers may connect."""
        self._tell(self._watch.listening(_now()))
        self._set_timers(None)

    def turned_away(self, peer: str, reason: str) -> None:
        """Somebody connected who may not."""
        self._deliver(Refused(peer, f"connection refused: {reason}"))

    # -- effects --------------------------------------------------------------------------------------

    def _perform(self, connection: _Connection, effects: Iterable[Effect]) -> bool:
        """Do what the session asks. Whether everything could be written."""
        written = True
        for effect in effects:
            match effect:
                case Write(data):
                    written = connection.wire.write(data) and written
                case Drop(reason):
                    connection.dropped = True
                    connection.wire.close(reason)
                case _:
                    self._hand_over(connection, effect)
        return written

    def _hand_over(self, connection: _Connection, happening: LinkInput) -> None:
        if isinstance(happening, Received | Unread | Alive):
            self._tell(self._watch.alive())
        if isinstance(happening, Received | Unread):
            self._owners[happening.token] = connection
            if self._keeper is not None:
                self._keeper.handed_over(happening)
        self._deliver(happening)

    def _tell(self, happenings: list[Fault | Healed]) -> None:
        for happening in happenings:
            self._deliver(happening)

    def _read(self, connection: _Connection) -> None:
        """What came, up to as much as the intake should have at a time; the sender is held up by the rest."""
        while connection.held and not connection.session.full and id(connection.wire) in self._connections:
            part = bytes(connection.held[:PART_BYTES])
            del connection.held[:PART_BYTES]
            self._perform(connection, connection.session.received(part, _now()))
        if connection.paused != connection.session.full:
            connection.paused = connection.session.full
            connection.wire.pause(connection.paused)
        self._set_timers(connection)

    def _read_on(self, connection: _Connection) -> None:
        """The intake has answered something; not from within its call."""
        if connection.paused and not connection.session.full:
            asyncio.get_running_loop().call_soon(self._read, connection)

    def _set_timers(self, connection: _Connection | None) -> None:
        loop = asyncio.get_running_loop()
        if connection is not None and id(connection.wire) in self._connections:
            if connection.timer is not None:
                connection.timer.cancel()
            due = connection.session.deadline
            connection.timer = loop.call_at(due, self._tick, connection) if due is not None else None
        if self._timer is not None:
            self._timer.cancel()
        times = [self._watch.deadline, self._keeper.deadline if self._keeper is not None else None]
        due = min((time for time in times if time is not None), default=None)
        self._timer = loop.call_at(due, self._tick_link) if due is not None else None

    def _tick(self, connection: _Connection) -> None:
        connection.timer = None
        self._perform(connection, connection.session.tick(_now()))
        self._set_timers(connection)

    def _tick_link(self) -> None:
        self._timer = None
        self._tell(self._watch.tick(_now()))
        if self._keeper is not None:
            for message in self._keeper.tick(_now()):
                self._keeper.handed_over(message)
                self._deliver(message)
        self._set_timers(None)


def make(name: str, address: str, options: dict[str, str]) -> ReceiverLink:
    """A link from its configuration: `surgard:tcp://10.0.0.7:1025?heartbeat=20`. ValueError with one line."""
    scheme = name.partition(":")[0]
    known = [option for option in OPTIONS if FOR_ONE.get(option, scheme) == scheme]
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{name}: unknown option {unknown[0]!r} (known: {', '.join(known)})")
    values = {**OPTIONS, **options}
    try:
        settings = _settings(values)
        place = parse_place(
            address,
            baud=whole(values["baud"], "baud"),
            bits=values["bits"],
            rtscts=yes(values["rtscts"], "rtscts"),
            peers=values["peers"],
        )
        dialect = ademco_685.dialect() if scheme == "ademco685" else surgard.dialect(values["header"])
        receivers = tuple(number.strip() for number in values["receivers"].split(",") if number.strip())
        if wrong := [number for number in receivers if not number.isalnum() or len(number) > 2]:
            raise ValueError(f"receivers are numbers such as 01,02, not {wrong[0]!r}")
        if receivers and settings.within_s is None:
            raise ValueError("receivers that send no heartbeat (heartbeat=0) cannot be missed")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return ReceiverLink(name, place, dialect, settings, receivers)


def _settings(values: dict[str, str]) -> Settings:
    answers = ANSWERS.get(values["acknowledge"])
    if answers is None:
        raise ValueError(f"acknowledge is {', '.join(ANSWERS)}, not {values['acknowledge']!r}")
    settings = Settings(
        answers,
        seconds(values["heartbeat"], "heartbeat", 0, 3_600),
        seconds(values["ack_wait_s"], "ack_wait_s", 0.5, 60),
        seconds(values["ask_every_s"], "ask_every_s", 0, 3_600),
    )
    if settings.ask_every_s > 0 and answers.taken == b"\r":
        raise ValueError("ask_every_s sends 0x0D, which acknowledge=cr makes an answer: choose one of them")
    return settings


def whole(text: str, name: str) -> int:
    """A whole number greater than 0. ValueError for anything else."""
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:10]) < 10_000_000:
        raise ValueError(f"{name} is a whole number greater than 0, not {text!r}")
    return int(text)


def seconds(text: str, name: str, least: float, most: float) -> float:
    """A number of seconds within bounds. ValueError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ValueError(f"{name} is a number of seconds from {least:g} to {most:g}, not {text!r}")
    return value


def yes(text: str, name: str) -> bool:
    """ "yes" or "no". ValueError for anything else."""
    if text not in ("yes", "no"):
        raise ValueError(f"{name} is yes or no, not {text!r}")
    return text == "yes"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _nobody(happening: LinkInput) -> None:
    """Until `run` there is nobody to tell."""
