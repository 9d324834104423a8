"""SIP: transactions without INVITE, both sides. Pure: time is handed in, and `deadline` says when to come back.

    server   Trying ──answer──▶ Completed ──J──▶ gone      a repetition in Trying: nothing; in Completed: the same
    client   Trying ──1xx──▶ Proceeding ──final──▶ Completed ──K──▶ gone      E repeats it (datagrams), F gives up

    T1 0.5 s    T2 4 s    T4 5 s
    E  T1, 2 T1, 4 T1 … T2; T2 once a 1xx came          F  64 T1
    J  64 T1; 0 on a stream          K  T4; 0 on a stream

Whoever does not answer within 3.5 s (when a sender's E has grown to T2) has 100 said for him; sooner it would only
have been another datagram (RFC 4320, 4.1). A repetition is never given on: whatever it asks is asked once.
Source: RFC 3261, 17.1.2, 17.1.3, 17.2.2, 17.2.3.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Generic, TypeVar

from drivers.sip import grammar, message
from drivers.sip.answering import top_via
from drivers.sip.grammar import Malformed
from drivers.sip.message import Headers, Request, Response

T1: Final = 0.5
T2: Final = 4.0
T4: Final = 5.0
TIMER_F: Final = 64 * T1
TIMER_J: Final = 64 * T1
TRYING_S: Final = 3.5
COOKIE: Final = "z9hG4bK"
SERVERS_MAX: Final = 20_000
CLIENTS_MAX: Final = 2_000

Key = tuple[str, ...]
S = TypeVar("S", bound=Hashable)
"""Whoever sent something and hears the answer: a connection, or an address."""


def server_key(request: Request, host: str) -> Key:
    """What a repetition of this request is the same in. host: where it came from. Raises Malformed."""
    headers, hop = request.headers, top_via(request.headers)
    method = "INVITE" if request.method == "ACK" else request.method
    if hop.branch.startswith(COOKIE) and len(hop.branch) > len(COOKIE):
        return (host, hop.branch, grammar.place(hop.host, hop.port), method)
    number = str(message.cseq(headers)[0])
    tags = tuple(grammar.address(headers.first(name)).tag for name in ("from", "to"))
    return (host, request.uri, *tags, headers.first("call-id"), number, method, headers.first("via"))


def client_key(headers: Headers) -> Key:
    """Whose answer this is. Raises Malformed."""
    return (top_via(headers).branch, message.cseq(headers)[1])


@dataclass(slots=True, eq=False)
class Served(Generic[S]):
    """A request somebody waits for the answer of. answer: None while there is none."""

    key: Key
    sender: S
    reliable: bool
    due: float
    answer: bytes | None = None
    trying: bytes | None = None


@dataclass(slots=True)
class Servers(Generic[S]):
    """The requests of one endpoint. Bounded: of too many the oldest that was answered, if only by 100, is forgotten."""

    limit: int = SERVERS_MAX
    _all: dict[Key, Served[S]] = field(default_factory=dict)
    _waiting: OrderedDict[Key, Served[S]] = field(default_factory=OrderedDict)  # for 100, the oldest first
    _answered: OrderedDict[Key, Served[S]] = field(default_factory=OrderedDict)  # for J, the oldest first

    def __len__(self) -> int:
        return len(self._all)

    def known(self, key: Key, sender: S) -> Served[S] | None:
        """The transaction this is a repetition in, or None. Its answer goes to who asked last."""
        served = self._all.get(key)
        if served is not None:
            served.sender = sender
        return served

    def begin(self, key: Key, sender: S, *, reliable: bool, at: float, trying: bytes | None = None) -> Served[S] | None:
        """A new one; None if there are too many that nobody has answered. trying: the 100 that is sent for it."""
        if len(self._all) >= self.limit:
            if not self._answered:
                return None
            self.forget(next(iter(self._answered.values())))
        served = self._all[key] = Served(key, sender, reliable, at + TRYING_S, trying=trying)
        self._waiting[key] = served
        return served

    def answered(self, served: Served[S], octets: bytes, at: float) -> None:
        """The final answer, to be given again to every repetition."""
        if self._all.get(served.key) is not served:
            return
        if served.reliable:
            self.forget(served)
            return
        self._waiting.pop(served.key, None)
        served.answer, served.due = octets, at + TIMER_J
        self._answered[served.key] = served
        self._answered.move_to_end(served.key)

    def forget(self, served: Served[S]) -> None:
        """Nobody waits for an answer: a repetition is asked anew."""
        if self._all.get(served.key) is served:
            del self._all[served.key]
            self._waiting.pop(served.key, None)
            self._answered.pop(served.key, None)

    @property
    def deadline(self) -> float | None:
        """When to `tick`."""
        firsts = [next(iter(table.values())).due for table in (self._waiting, self._answered) if table]
        return min(firsts, default=None)

    def tick(self, at: float) -> list[tuple[S, bytes]]:
        """The time is `at`: what is sent for those who have waited too long."""
        while self._answered and (oldest := next(iter(self._answered.values()))).due <= at:
            self.forget(oldest)
        sent: list[tuple[S, bytes]] = []
        while self._waiting and (oldest := next(iter(self._waiting.values()))).due <= at:
            del self._waiting[oldest.key]
            oldest.answer, oldest.due = oldest.trying, at + TIMER_J
            self._answered[oldest.key] = oldest
            if oldest.trying is not None:
                sent.append((oldest.sender, oldest.trying))
        return sent


@dataclass(frozen=True, slots=True)
class Ended(Generic[S]):
    """A request of ours is over. status None: nobody answered."""

    about: Hashable
    sender: S
    status: int | None


@dataclass(slots=True)
class _Asked(Generic[S]):
    about: Hashable
    sender: S
    octets: bytes
    reliable: bool
    interval: float
    until: float
    proceeding: bool = False
    over: bool = False


@dataclass(slots=True)
class Clients(Generic[S]):
    """Requests of our own. `about` is whatever the asker knows one by."""

    limit: int = CLIENTS_MAX
    _all: dict[Key, _Asked[S]] = field(default_factory=dict)
    _times: list[tuple[float, int, Key]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def __len__(self) -> int:
        return len(self._all)

    def ask(
        self, request: Request, sender: S, about: Hashable, *, reliable: bool, at: float, patience_s: float = TIMER_F
    ) -> bytes | None:
        """What is sent now; None if too many wait for answers. patience_s: less, for somebody nobody knows."""
        if len(self._all) >= self.limit:
            return None
        key, octets = client_key(request.headers), request.octets()
        self._all[key] = _Asked(about, sender, octets, reliable, T1, at + patience_s)
        self._wake(key, at + (patience_s if reliable else T1))
        return octets

    def hear(self, response: Response, at: float) -> Ended[S] | None:
        """An answer; what is over by it, once."""
        try:
            key = client_key(response.headers)
        except Malformed:
            return None
        asked = self._all.get(key)
        if asked is None or asked.over:
            return None
        if response.status < 200:
            asked.proceeding = True
            return None
        asked.over, asked.until = True, at + (0.0 if asked.reliable else T4)
        self._wake(key, asked.until)
        return Ended(asked.about, asked.sender, response.status)

    def gone(self, is_gone: Callable[[S], bool]) -> list[Ended[S]]:
        """Connections are gone: what was asked there is not answered any more."""
        lost = [(key, asked) for key, asked in self._all.items() if is_gone(asked.sender)]
        for key, _ in lost:
            del self._all[key]
        return [Ended(asked.about, asked.sender, None) for _, asked in lost if not asked.over]

    @property
    def deadline(self) -> float | None:
        """When to `tick`."""
        return self._times[0][0] if self._times else None

    def tick(self, at: float) -> tuple[list[tuple[S, bytes]], list[Ended[S]]]:
        """The time is `at`: what is sent again, and what nobody answered."""
        sent: list[tuple[S, bytes]] = []
        ended: list[Ended[S]] = []
        while self._times and self._times[0][0] <= at:
            _, _, key = heapq.heappop(self._times)
            asked = self._all.get(key)
            if asked is None:
                continue
            if asked.until <= at:
                del self._all[key]
                ended += [] if asked.over else [Ended(asked.about, asked.sender, None)]
            elif not asked.over and not asked.reliable:
                sent.append((asked.sender, asked.octets))
                asked.interval = T2 if asked.proceeding else min(2 * asked.interval, T2)
                self._wake(key, min(at + asked.interval, asked.until))
        return sent, ended

    def _wake(self, key: Key, at: float) -> None:
        heapq.heappush(self._times, (at, next(self._numbers), key))
