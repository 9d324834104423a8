"""SCAIP as a `Link`: SIP on one address, UDP and TCP, or TLS alone, under asyncio.

The thin shell around `scaip_desk.py`: it owns the sockets, the clock, randomness and the back-off, and decides nothing
else. An address that cannot be opened, or is lost, is tried again for ever.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import ssl
from collections.abc import Hashable, Iterable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Final

from drivers.ip.limits import Doors, Ration
from drivers.ip.reaching import Reach, Reaching
from drivers.ip.scaip_desk import Close, Desk, Effect, Send, Tell
from drivers.ip.scaip_options import Options, context, read
from drivers.ip.scaip_replies import Sender
from drivers.ip.sockets import (
    CLOSED,
    FULL,
    READ_BYTES,
    Address,
    Connection,
    Datagrams,
    connections_possible,
    keep_alive,
    listening,
    plain,
    plain_host,
)
from drivers.line import Fault, Healed
from drivers.link import Alive, Deliver, LinkInput, Received, Refused, Unread
from drivers.sip.answering import Place
from drivers.sip.digest import Guard
from drivers.sip.framing import PONG, Endless, Framer
from drivers.sip.message import MESSAGE_MAX

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # then 8 s for ever
TICK_S: Final = 1.0
WAITING_MAX: Final = 64  # messages of one connection; then it is read no further until some are stored
HANDSHAKE_S: Final = 10.0  # of TLS
HANDSHAKES_MAX: Final = 200
FULL_S: Final = 0.1  # before the next try when the system has no handle left
_WILDCARDS: Final = ("0.0.0.0", "::")


class ScaipLink:
    """One address. tls: what connections are wrapped in; then there are no datagrams."""

    def __init__(self, name: str, said: Options, tls: ssl.SSLContext | None = None) -> None:
        self._name, self._said, self._tls = name, said, tls
        self._desk = Desk(
            said.accounts,
            Guard(secrets.token_bytes(32), said.realm),
            lambda: secrets.token_hex(12),
            self._moved,
            said.reply,
            said.voice,
            said.users,
        )
        self._doors = Doors(min(said.connections, connections_possible() or said.connections), said.idle_s)
        self._rations = {known: Ration() for known in (True, False)}
        self._deliver: Deliver = _nobody
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: socket.socket | None = None
        self._datagrams: Datagrams | None = None
        self._taking: dict[asyncio.Task[None], None] = {}  # handshakes of TLS, the oldest first
        self._reaching = Reaching[Framer](self, self._out_of_reach)
        self._alarm: asyncio.TimerHandle | None = None
        self.scratch = bytearray(READ_BYTES)  # what was read last, of whichever connection

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._doors)

    @property
    def expected(self) -> tuple[Alive, ...]:
        """Units that must be heard, and how often: to be missed from the start, not from their first sign of life."""
        units = self._said.accounts.units.items()
        return tuple(Alive(unit, agreed.within_s) for unit, agreed in units if agreed.within_s is not None)

    async def run(self, deliver: Deliver) -> None:
        """Open the address and serve it until cancelled."""
        self._deliver, self._loop = deliver, asyncio.get_running_loop()
        failures, place = 0, self._said.listen
        try:
            while True:
                try:
                    self._listening = listening(place.host, place.port)
                    if self._tls is None:
                        self._datagrams = Datagrams(place.host, place.port, self.datagram, MESSAGE_MAX)
                except OSError as error:
                    self._tell(Fault(f"cannot listen on {place.host} port {place.port}, {plain(error)}"))
                else:
                    failures = 0
                    self._tell(Healed())
                    self._tell(Fault(await self._serve()))
                self._close()
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1
        finally:
            self._close()

    def acknowledge(self, token: int) -> bool:
        """The message is stored: its sender hears so."""
        told, effects = self._desk.acknowledge(token, self._now())
        return self._perform(effects) and told

    def refuse(self, token: int) -> None:
        """The message is not stored: its sender hears 503 and sends it again, here or elsewhere."""
        self._perform(self._desk.refuse(token, self._now()))

    # -- sockets ----------------------------------------------------------------------------------

    async def _serve(self) -> str:
        """Until something breaks; gives what."""
        accepting = asyncio.ensure_future(self._accept())
        try:
            while not accepting.done() and not (self._datagrams is not None and self._datagrams.lost):
                await asyncio.wait([accepting], timeout=TICK_S)
                for one in self._doors.overdue(self._now()):
                    self._cut(one)
        finally:
            accepting.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await accepting
        lost = self._datagrams.lost if self._datagrams is not None else ""
        where = f"{self._said.listen.host} port {self._said.listen.port}"
        return f"{where} is lost: {lost or 'no connection is taken any more'}"

    async def _accept(self) -> None:
        assert self._loop is not None
        assert self._listening is not None
        full = False
        while True:
            try:
                taken, address = await self._loop.sock_accept(self._listening)
            except OSError as error:
                if error.errno in CLOSED:
                    raise
                if error.errno in FULL:
                    if not full:
                        self._tell(Fault(f"no further connection can be taken: {plain(error)}"))
                    full = True
                    self._cut(self._doors.least())
                    await asyncio.sleep(FULL_S)
                continue  # else the other side was gone before we took it
            if full:
                self._tell(Healed())
                full = False
            taking = self._take(taken, str(address[0]))
            if self._tls is None:
                await taking
                continue
            if len(self._taking) >= HANDSHAKES_MAX:  # whoever means it is through by now
                next(iter(self._taking)).cancel()
            task = asyncio.ensure_future(taking)
            self._taking[task] = None
            task.add_done_callback(lambda task: self._taking.pop(task, None))
            await asyncio.sleep(0)

    async def _take(self, taken: socket.socket, host: str) -> None:
        """One connection; TLS takes its time, so each has a task of its own until it stands."""
        assert self._loop is not None
        try:
            keep_alive(taken)
            made = partial(Connection[Framer], self, host)
            wait_s = HANDSHAKE_S if self._tls else None
            await self._loop.connect_accepted_socket(made, taken, ssl=self._tls, ssl_handshake_timeout=wait_s)
        except OSError as error:  # ssl.SSLError is one
            taken.close()
            if self._tls is not None:
                self._tell(Refused(plain_host(host), f"no TLS: {plain(error)}"))

    def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        if self._datagrams is not None:
            self._datagrams.close()
        self._listening, self._datagrams = None, None
        self._reaching.cancel()
        for task in list(self._taking):
            task.cancel()
        while (one := self._doors.least()) is not None:
            self._cut(one)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _cut(self, one: Hashable) -> None:
        if isinstance(one, Connection):
            one.transport.abort()
            self.lost(one)

    # -- what the sockets bring --------------------------------------------------------------------

    def framer(self) -> Framer:
        """For a new connection."""
        return Framer()

    def connected(self, one: Connection[Framer]) -> None:
        """Somebody has connected; if there are too many, somebody else goes."""
        self._cut(self._doors.opened(one, self._now()))

    def lost(self, one: Connection[Framer]) -> None:
        """A connection is gone."""
        self._doors.closed(one)
        self._perform(self._desk.gone(one))
        self._reaching.lost(one)

    def _out_of_reach(self, reach: Reach) -> None:
        self._perform(self._desk.gone(reach))

    def pump(self, one: Connection[Framer]) -> None:
        """Take what has come on a connection."""
        at, sender = self._now(), self._stream(one)
        while not one.transport.is_closing():
            if self._desk.waiting(one) >= WAITING_MAX:
                one.held = True
                one.transport.pause_reading()
                self._doors.left(one, False, at)
                return
            packet = one.framer.take()
            if packet is None:
                break
            if isinstance(packet, Endless):
                self._perform(self._desk.endless(packet, sender))
                return
            effects = self._desk.packet(packet.head, packet.body, sender, at)
            right = not effects or not all(isinstance(effect, Tell) for effect in effects) or _is_message(effects)
            self._perform(effects)
            if not self._doors.said(one, right, at):
                self._cut(one)
                return
        if one.framer.pong():
            one.send(PONG)
        self._doors.left(one, one.framer.unfinished, at)
        if one.ended and not self._desk.waiting(one) and not one.transport.is_closing():
            one.transport.close()

    def ended(self, one: Connection[Framer]) -> None:
        """The other side says nothing more; it may wait for answers still."""
        self._doors.ended(one, self._now())
        self.pump(one)

    def datagram(self, octets: bytes, address: Address) -> None:
        """One datagram."""
        host = plain_host(str(address[0]))
        local = Place(self._local(host), self._said.listen.port)
        sender = Sender(address, Place(host, int(address[1])), local, False, "UDP")
        self._perform(self._desk.datagram(octets, sender, self._now()))

    def _stream(self, one: Connection[Framer]) -> Sender:
        there, here = (one.transport.get_extra_info(name) or (one.peer, 0) for name in ("peername", "sockname"))
        host = self._said.advertise or plain_host(str(here[0]))
        local = Place(host, self._said.listen.port)
        return Sender(one, Place(one.peer, int(there[1])), local, True, "TLS" if self._tls else "TCP")

    def _local(self, peer: str) -> str:
        if self._said.advertise:
            return self._said.advertise
        return self._said.listen.host if self._said.listen.host not in _WILDCARDS else _towards(peer)

    def _moved(self, handle: Hashable, place: Place) -> Hashable:
        """The same socket, another address on it."""
        if not isinstance(handle, tuple):  # over TLS nobody has said whose certificate to believe
            return Reach(place.host, place.port) if self._tls is None and place != self._said.listen else handle
        host, _, *rest = handle
        if plain_host(str(host)) != place.host:
            mapped = ":" in self._said.listen.host and ":" not in place.host
            host, rest = f"::ffff:{place.host}" if mapped else place.host, []
        return (host, place.port, *rest)

    # -- what the desk wants -----------------------------------------------------------------------

    def _perform(self, effects: Iterable[Effect]) -> bool:
        """False if something could not be sent to who was to have it."""
        effects, sent = list(effects), True
        try:
            for effect in effects:
                match effect:
                    case Send(handle, octets):
                        sent &= self._send(handle, octets)
                    case Tell(happened):
                        self._tell(happened)
                    case Close(handle) if isinstance(handle, Connection):
                        handle.transport.close()
        except BaseException:
            for effect in effects:  # not stored by whoever failed on it: it must be taken when it comes again
                if isinstance(effect, Tell) and isinstance(effect.happened, Received | Unread):
                    for refused in self._desk.refuse(effect.happened.token, self._now()):
                        if isinstance(refused, Send):
                            self._send(refused.handle, refused.octets)
            raise
        finally:
            self._arm()
        return sent

    def _send(self, handle: Hashable, octets: bytes) -> bool:
        if isinstance(handle, Connection):
            sent = handle.send(octets)
            if (handle.held or handle.ended) and self._loop is not None:
                self._loop.call_soon(self._go_on, handle)
            return sent
        if isinstance(handle, Reach):
            return self._reaching.send(handle, octets)
        return isinstance(handle, tuple) and self._datagrams is not None and self._datagrams.send(octets, handle)

    def _go_on(self, one: Connection[Framer]) -> None:
        """A message less waits: read on."""
        if one.transport.is_closing() or self._desk.waiting(one) >= WAITING_MAX:
            return
        if one.held:
            one.held = False
            if not one.ended:
                one.transport.resume_reading()
        self.pump(one)

    def _tell(self, happened: LinkInput) -> None:
        if isinstance(happened, Refused):
            ration = self._rations[happened.path in self._said.accounts.units]
            untold = ration.untold
            if not ration.allows(self._now()):
                return
            if untold:
                why = f"{happened.why}; {untold} more before it were not told"
                happened, ration.untold = Refused(happened.path, why, happened.text), 0
        self._deliver(happened)

    def _arm(self) -> None:
        """Come back when the desk wants it."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadline = self._desk.deadline
        if deadline is not None and self._loop is not None and not self._loop.is_closed():
            self._alarm = self._loop.call_at(deadline, self._due)

    def _due(self) -> None:
        self._alarm = None
        self._perform(self._desk.tick(self._now()))

    def _now(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time()


def make(name: str, address: str, options: dict[str, str]) -> ScaipLink:
    """A link from its configuration: `scaip:0.0.0.0:5060?keys=/etc/yobirin/scaip.toml`. ValueError, one line, else."""
    try:
        said = read(address, options)
        tls = context(said) if said.cert is not None else None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return ScaipLink(name, said, tls)


def _is_message(effects: Iterable[Effect]) -> bool:
    return any(isinstance(one, Tell) and not isinstance(one.happened, Refused) for one in effects)


@lru_cache(maxsize=1_000)
def _towards(peer: str) -> str:
    """Our address as somebody would see it; nothing is sent for that."""
    family = socket.AF_INET6 if ipaddress.ip_address(peer.partition("%")[0]).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.connect((peer, 9))
        except OSError:
            return "127.0.0.1" if family == socket.AF_INET else "::1"
        return str(one.getsockname()[0]).partition("%")[0]


def _nobody(happened: LinkInput) -> None:
    """Until `run` there is nobody to tell."""
