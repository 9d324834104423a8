"""What a centre has received, offered to the monitoring program it has already: `surgard:listen://10.0.0.5:1025`, …

The thin shell around `sending.py`: it has the connection and the clock. Messages come from a callable and their
position is the caller's, so that an outbox on disk drives it: store, then forward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from decoder.frame import Frame
from drivers.hardware import ademco_685, surgard
from drivers.hardware.content import Header
from drivers.hardware.places import parse_place
from drivers.hardware.port import seconds, whole, yes
from drivers.hardware.sending import Delivered, Down, Effect, Sender, SetAside, Settings, Up, Write
from drivers.hardware.wires import STOPPED, Place, Wire

T = TypeVar("T")

TURNED_AWAY_MAX: Final = 20  # addresses that are told, each once
POLL_S: Final = 0.25  # for a message, unless `wake` says that there is one
ANSWERS: Final[dict[str, tuple[int | None, int | None]]] = {
    "06": (0x06, 0x15),
    "cr": (0x0D, None),
    "none": (None, None),
}
OPTIONS: Final = {
    "baud": "9600",
    "bits": "8N1",
    "rtscts": "no",
    "receiver": "",
    "line": "1",
    "heartbeat": "30",
    "ack_wait_s": "4",
    "repeats": "3",
    "retry_s": "10",
    "refusals": "10",
    "acknowledge": "06",
    "peers": "",
}
RECEIVER: Final = {"surgard": "01", "ademco685": "1"}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the outbox. data: the whole frame, made once (`encode`), so that every copy of it is the same.

    name: what people call it, where a reason is told; "": its number
    """

    seq: int
    data: bytes
    name: str = ""


NextAfter = Callable[[int], Outgoing | None]


class OutputPort:
    """One monitoring program. It gets every message in order; a second one on the same place replaces the first."""

    def __init__(self, name: str, place: Place, settings: Settings, header: Header) -> None:
        self._name, self._place, self._settings, self._header = name, place, settings, header
        self._sender = Sender(settings)
        self._wire: Wire | None = None
        self._turned_away: set[str] = set()
        self._next_after: NextAfter = lambda position: None
        self._delivered: Callable[[int], None] = lambda seq: None
        self._refused: Callable[[int, int], None] = lambda seq, times: None
        self._told: Callable[[Up | Down], None] = lambda change: None
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None
        self._ending = self._silent = False

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def place(self) -> Place:
        """Where the program is."""
        return self._place

    def encode(self, message: Frame, line: str = "") -> bytes:
        """A received frame as this program reads it, with our receiver number. line: its name for the telephone line.

        ValueError, with a line for people, for what has no place in the format: say it with `own_message`.
        """
        header = Header(self._header.receiver, line or self._header.line)
        if self._scheme == "ademco685":
            return ademco_685.encode(message, header)
        return surgard.encode(message, header)

    def own_message(self, text: str, line: str = "") -> bytes:
        """Something no format has a layout for, or of ourselves, in words. ValueError for a 685: it has none."""
        if self._scheme == "ademco685":
            raise ValueError("Ademco 685 has no layout for words")
        return surgard.own_message(text, Header(self._header.receiver, line or self._header.line))

    @property
    def line(self) -> str:
        """Our line number, where a message is given no other."""
        return self._header.line

    @property
    def silent(self) -> bool:
        """Whether no heartbeats are given: there is nothing behind us that receives. Messages go all the same."""
        return self._sender.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._silent = self._sender.silent = silent
        self._wake.set()

    def wake(self) -> None:
        """There is a message: do not wait for the next look."""
        self._wake.set()

    async def serve(
        self,
        next_after: NextAfter,
        delivered: Callable[[int], None],
        *,
        position: int = 0,
        told: Callable[[Up | Down], None] = lambda change: None,
        refused: Callable[[int, int], None] = lambda seq, times: None,
    ) -> None:
        """Send what `next_after(position)` gives, in order, until cancelled.

        position   number of the last message that was delivered; whoever keeps it on disk hands it in
        delivered  called with a message's number at its acknowledgement, before the next one is asked for
        told       when the program takes nothing any more (once more if somebody else connects), and when it does again
        refused    called with a message's number, and how often it was refused, when it is set aside for the next one
        What one of them raises ends it.
        """
        self._sender = Sender(self._settings, position)
        self._sender.silent = self._silent
        self._next_after, self._delivered, self._told, self._refused = next_after, delivered, told, refused
        self._failure, self._ending = None, False
        serving = asyncio.ensure_future(self._place.serve(self))
        try:
            while True:
                self._look()
                if self._failure is not None:
                    raise self._failure
                if serving.done():
                    serving.result()
                await self._until_something_is_due()
        finally:
            self._ending = True
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    @property
    def _scheme(self) -> str:
        return self._name.partition(":")[0]

    def _look(self) -> None:
        """Time has come, and perhaps a message."""
        self._perform(self._sender.tick(_now()))
        position = self._sender.wants()
        if position is None or self._failure is not None:
            return
        message = self._guarded(lambda: self._next_after(position))
        if message is not None:
            self._perform(self._sender.offer(message.seq, message.data, _now(), message.name))

    async def _until_something_is_due(self) -> None:
        deadline, wait_s = self._sender.deadline, POLL_S
        if deadline is not None:
            wait_s = min(wait_s, max(0.0, deadline - _now()))
        with suppress(TimeoutError):  # not `wait_for`, which until Python 3.12 may swallow that we are cancelled
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        self._wake.clear()

    # -- what the place says --------------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """A connection is there."""
        self._wire = wire
        self._perform(self._sender.opened(_now()))
        self._wake.set()

    def received(self, wire: Wire, data: bytes) -> None:
        """Bytes came by it."""
        if wire is self._wire:
            self._perform(self._sender.received(data, _now()))
            self._wake.set()

    def written(self, wire: Wire) -> None:
        """Everything has left."""
        if wire is self._wire:
            self._perform(self._sender.written(_now()))
            self._wake.set()

    def lost(self, wire: Wire, reason: str) -> None:
        """It is gone."""
        if wire is self._wire:
            self._wire = None
            if reason is not STOPPED:
                self._perform(self._sender.lost(reason))
            self._wake.set()

    def failed(self, reason: str) -> None:
        """It could not be opened."""
        self._perform(self._sender.lost(reason))

    def listening(self) -> None:
        """The program may connect; until it does nothing is taken."""
        self._perform(self._sender.lost("no monitoring program has connected yet"))

    def turned_away(self, peer: str, reason: str) -> None:
        """Somebody connected who may not. Where nobody is connected it may well be the program: say why it is not."""
        if self._wire is None and peer not in self._turned_away and len(self._turned_away) < TURNED_AWAY_MAX:
            self._turned_away.add(peer)
            self._perform([Down(f"{peer} may not connect: {reason}")])

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(data):
                    if self._wire is not None and not self._ending:
                        self._wire.write(data)
                case Delivered(seq):
                    self._guarded(lambda seq=seq: self._delivered(seq))  # type: ignore[misc]
                case SetAside(seq, times):
                    self._guarded(lambda seq=seq, times=times: self._refused(seq, times))  # type: ignore[misc]
                case Up() | Down():
                    self._guarded(lambda change=effect: self._told(change))  # type: ignore[misc]

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """What the caller's side raises ends `serve`, not the connection's callbacks."""
        try:
            return call()
        except Exception as error:
            self._failure = self._failure or error
            self._wake.set()
            return None


def make(name: str, address: str, options: dict[str, str]) -> OutputPort:
    """An output from its configuration: `ademco685:/dev/ttyS1?acknowledge=cr&receiver=2`. ValueError with one line."""
    scheme = name.partition(":")[0]
    if scheme not in RECEIVER:
        raise ValueError(f"{name}: no output of that kind (known: {', '.join(RECEIVER)})")
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ValueError(f"{name}: unknown option {unknown[0]!r} (known: {', '.join(OPTIONS)})")
    values = {**OPTIONS, **options}
    try:
        header = Header(values["receiver"] or RECEIVER[scheme], values["line"])
        beat = ademco_685.heartbeat(header) if scheme == "ademco685" else surgard.heartbeat(header)
        if values["acknowledge"] not in ANSWERS:
            raise ValueError(f"acknowledge is {', '.join(ANSWERS)}, not {values['acknowledge']!r}")
        taken, again = ANSWERS[values["acknowledge"]]
        settings = Settings(
            beat,
            seconds(values["heartbeat"], "heartbeat", 0, 3_600),
            taken,
            again,
            seconds(values["ack_wait_s"], "ack_wait_s", 0.05, 60),
            whole(values["repeats"], "repeats"),
            seconds(values["retry_s"], "retry_s", 0.05, 3_600),
            whole(values["refusals"], "refusals"),
        )
        place = parse_place(
            address,
            baud=whole(values["baud"], "baud"),
            bits=values["bits"],
            rtscts=yes(values["rtscts"], "rtscts"),
            peers=values["peers"],
            newest=True,
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return OutputPort(name, place, settings, header)


def _now() -> float:
    return asyncio.get_running_loop().time()
