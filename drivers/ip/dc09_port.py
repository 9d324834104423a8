"""SIA DC-09 as a `Link`: a TCP server and a UDP socket on one address, under asyncio.

The thin shell around `dc09_judge.py` (what becomes of a frame), `dc09_desk.py` (what waits to be stored) and
`limits.py` (how much a stranger may use): it owns the sockets, the clocks and the back-off, and decides nothing
else. An address that cannot be opened, or is lost, is tried again for ever.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

from drivers.ip.dc09_accounts import Accounts
from drivers.ip.dc09_desk import Desk
from drivers.ip.dc09_frames import Framer, Junk, Piece
from drivers.ip.dc09_judge import Answer, Judge, Keep
from drivers.ip.dc09_options import read
from drivers.ip.limits import CONNECTIONS, IDLE_S, Doors, Ration
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
from drivers.link import Alive, Deliver, LinkInput, Refused

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # then 8 s for ever
TICK_S: Final = 1.0
WAITING_MAX: Final = 64  # messages of one connection; a unit waits for the answer to each before it sends the next
PIECES_A_TURN: Final = 2  # of one connection; a unit says one at a time
WORK_S: Final = 0.005  # for those who say more, between two looks at who says something new
FRAMES_MAX: Final = 8  # of one datagram, which should hold one
FULL_S: Final = 0.1  # before the next try when the system has no handle left


class Dc09Link:
    """One address. `utc` tells the time that goes into encrypted answers; `connections` is lowered to what fits."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        accounts: Accounts,
        *,
        nak_clock: bool = False,
        idle_s: float = IDLE_S,
        connections: int = CONNECTIONS,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._name, self._host, self._port, self._accounts, self._utc = name, host, port, accounts, utc
        self._judge = Judge(accounts, _fill, nak_clock)
        self._desk = Desk(_fill)
        self._doors = Doors(min(connections, connections_possible() or connections), idle_s)
        self._rations = {known: Ration() for known in (True, False)}  # strangers do not use up what units may say
        self._busy: OrderedDict[Connection[Framer], None] = OrderedDict()  # there is more in their framers
        self._working = False
        self._deliver: Deliver = _nobody
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: socket.socket | None = None
        self._datagrams: Datagrams | None = None
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
        units = self._accounts.units.items()
        return tuple(Alive(unit, agreed.within_s) for unit, agreed in units if agreed.within_s is not None)

    async def run(self, deliver: Deliver) -> None:
        """Open the address and serve it until cancelled."""
        self._deliver, self._loop = deliver, asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                try:
                    self._open()
                except OSError as error:
                    self._tell(Fault(f"cannot listen on {self._host} port {self._port}, {plain(error)}"))
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
        """The message is stored: its sender hears so, once everything that came with it is stored as well."""
        answered = self._desk.acknowledge(token, self._utc())
        sent = [self._send(answered.sender, frame) for frame in answered.frames]
        self._go_on(answered.sender)
        return answered.told and all(sent)

    def refuse(self, token: int) -> None:
        """The message is not stored: silence, and its sender sends it again."""
        self._go_on(self._desk.refuse(token))

    # -- sockets ----------------------------------------------------------------------------------

    def _open(self) -> None:
        self._listening = listening(self._host, self._port)
        self._datagrams = Datagrams(self._host, self._port, self.datagram)

    async def _serve(self) -> str:
        """Until something breaks; gives what."""
        assert self._loop is not None
        assert self._datagrams is not None
        accepting = asyncio.ensure_future(self._accept())
        try:
            while not accepting.done() and not self._datagrams.lost:
                await asyncio.wait([accepting], timeout=TICK_S)
                self._tick()
        finally:
            accepting.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await accepting
        return f"{self._host} port {self._port} is lost: {self._datagrams.lost or 'no connection is taken any more'}"

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
            with suppress(OSError):
                keep_alive(taken)
                made = partial(Connection[Framer], self, str(address[0]))
                await self._loop.connect_accepted_socket(made, taken)

    def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        if self._datagrams is not None:
            self._datagrams.close()
        self._listening, self._datagrams = None, None
        while (one := self._doors.least()) is not None:
            self._cut(one)

    def _tick(self) -> None:
        at = self._now()
        for one in self._doors.overdue(at):
            assert isinstance(one, Connection)
            if (left := one.framer.end()) is not None:
                self._settle(self._judge.of(left, one.peer, self._utc()), one, at)
            self._cut(one)

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
        """A connection is gone: what waits for an answer there will be sent again."""
        self._doors.closed(one)
        self._desk.gone(one)
        self._busy.pop(one, None)

    def pump(self, one: Connection[Framer]) -> None:
        """Take what has come on a connection: a few pieces at once, the others when it is its turn again."""
        at = self._now()
        for _ in range(PIECES_A_TURN):
            if one.transport.is_closing():
                return None
            if self._desk.waiting(one) >= WAITING_MAX:
                return self._hold(one, at)
            piece = one.framer.end() if one.ended else one.framer.take()
            if piece is None:
                return self._read_all(one, at)
            if not self._doors.said(one, self._piece(piece, one, one.peer, at), at):
                return self._cut(one)
        self._hold(one, at)
        return self._queue(one)

    def _hold(self, one: Connection[Framer], at: float) -> None:
        """Read no further for now: what its framer has is whole."""
        one.held = True
        one.transport.pause_reading()
        self._doors.left(one, False, at)

    def _queue(self, one: Connection[Framer]) -> None:
        assert self._loop is not None
        self._busy[one] = None
        if not self._working:
            self._working = True
            self._loop.call_soon(self._work)

    def _work(self) -> None:
        """Whoever said much at once, in turn and for a moment only: who says little is heard in between."""
        assert self._loop is not None
        until = self._now() + WORK_S
        try:
            while self._busy and self._now() < until:
                self.pump(self._busy.popitem(last=False)[0])
        finally:
            self._working = bool(self._busy)
            if self._working:
                self._loop.call_soon(self._work)

    def _read_all(self, one: Connection[Framer], at: float) -> None:
        one.held = False
        self._doors.left(one, one.framer.unfinished, at)
        if not one.ended:
            one.transport.resume_reading()
        elif not self._desk.waiting(one):
            one.transport.close()

    def ended(self, one: Connection[Framer]) -> None:
        """The other side says nothing more; it may wait for answers still."""
        self._doors.ended(one, self._now())
        self.pump(one)

    def datagram(self, octets: bytes, address: Address) -> None:
        """One datagram: a frame as a rule, any number of them as an exception."""
        framer, at, peer = Framer(), self._now(), plain_host(str(address[0]))
        framer.push(octets)
        for _ in range(FRAMES_MAX):
            if (piece := framer.end()) is None:
                return
            self._piece(piece, address, peer, at)
        if framer.unfinished:
            self._tell(Refused(peer, f"more than {FRAMES_MAX} frames in a datagram: the others are not looked at"))

    def _piece(self, piece: Piece | Junk, sender: Hashable, peer: str, at: float) -> bool:
        """True if it was a frame as it should be."""
        verdict = self._judge.of(piece, peer, self._utc())
        self._settle(verdict, sender, at)
        return isinstance(verdict, Keep) or verdict.frame is not None

    def _settle(self, verdict: Keep | Answer, sender: Hashable, at: float) -> None:
        if isinstance(verdict, Answer):
            if verdict.frame is not None:
                self._send(sender, verdict.frame)
            return self._tell(verdict.happened)
        happened = self._desk.take(sender, verdict, at)
        if happened is None:
            return self._tell(Refused(verdict.path, "too many messages wait to be stored"))
        try:
            for one in happened:
                self._tell(one)
        except BaseException:
            for one in happened:  # not stored by whoever failed on it: it must be taken when it comes again
                self._desk.refuse(one.token)
            raise
        return None

    def _tell(self, happened: LinkInput) -> None:
        if isinstance(happened, Refused):
            ration = self._rations[happened.path.rpartition("#")[2] in self._accounts.known]
            untold = ration.untold
            if not ration.allows(self._now()):
                return
            if untold:
                why = f"{happened.why}; {untold} more before it were not told"
                happened, ration.untold = Refused(happened.path, why, happened.text), 0
        self._deliver(happened)

    # -- answers ----------------------------------------------------------------------------------

    def _send(self, sender: Hashable, frame: bytes) -> bool:
        if isinstance(sender, Connection):
            return sender.send(frame)
        return isinstance(sender, tuple) and self._datagrams is not None and self._datagrams.send(frame, sender)

    def _go_on(self, sender: Hashable) -> None:
        """A message less waits: read on, but not within whoever called us."""
        if isinstance(sender, Connection) and (sender.held or sender.ended) and self._loop is not None:
            self._queue(sender)

    def _now(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time()


def make(name: str, address: str, options: dict[str, str]) -> Dc09Link:
    """A link from its configuration: `dc09:0.0.0.0:12000?keys=/etc/yobirin/dc09.toml`. ValueError, one line, else."""
    try:
        said = read(address, options)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return Dc09Link(
        name,
        said.host,
        said.port,
        said.accounts,
        nak_clock=said.nak_clock,
        idle_s=said.idle_s,
        connections=said.connections,
    )


def _fill(count: int) -> bytes:
    return secrets.token_urlsafe(count)[:count].encode()


def _nobody(happened: LinkInput) -> None:
    """Until `run` there is nobody to tell."""
