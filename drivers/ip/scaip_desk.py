"""SCAIP over SIP: what becomes of each packet, which messages wait to be stored, what their senders hear. Pure.

    unit                                    desk                            intake
     MESSAGE mrq ref=A1 ─────────────────▶  401 until it proves itself, if that is agreed
                                            Received ─────────────────────▶ stored?
                ◀── 200 (mrs snu=0) ──────  acknowledge ◀────────────────── yes
                ◀── MESSAGE mrs ref=A1 ───  for who wants it as a message of its own
                ◀── 503 ──────────────────  refuse ◀─────────────────────── no: it sends again, or goes elsewhere

Nothing says "I have it" before the intake does: also SIP's own 200 waits, which takes milliseconds, and a repetition in
between is absorbed. Only who agreed to it (`accept = "at_once"`) hears 202 sooner, and it says no more than "it came".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from drivers.ip import scaip, scaip_events
from drivers.ip.dc09 import printable
from drivers.ip.scaip import Answer, Mrq, Mrs, Unreadable, Wrap
from drivers.ip.scaip_accounts import STRANGER, Accept, Account, Accounts, Reply
from drivers.ip.scaip_events import Reading
from drivers.ip.scaip_replies import TYPES, Asked, Sender, contact_place, own_message
from drivers.link import Alive, LinkInput, Received, Refused, Unread
from drivers.sip import answering, grammar, message
from drivers.sip.answering import Place
from drivers.sip.digest import Guard, Verdict
from drivers.sip.framing import Endless
from drivers.sip.grammar import Malformed
from drivers.sip.message import Broken, Header, Request, Response
from drivers.sip.transaction import TIMER_F, Clients, Ended, Servers, server_key

ALLOWED: Final = ("MESSAGE", "OPTIONS")
ACCEPT: Final = ("Accept", ", ".join(TYPES))
WAITING_MAX: Final = 20_000
COPIES_MAX: Final = 8  # of one message in transactions of their own
FORGOTTEN_S: Final = 60.0  # neither stored nor refused for so long: it is given once more
WHY_MAX: Final = 200
RETRY_AFTER_S: Final = 10
STRANGER_PATIENCE_S: Final = 4.0  # four datagrams to an address that nobody vouches for


@dataclass(frozen=True, slots=True)
class Send:
    """Octets for somebody."""

    handle: Hashable
    octets: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """For the intake."""

    happened: LinkInput


@dataclass(frozen=True, slots=True)
class Close:
    """Of this connection nothing more can be read."""

    handle: Hashable


Effect = Send | Tell | Close
Move = Callable[[Hashable, Place], Hashable]
"""The same kind of handle for another address; whoever cannot connect gives back what it was given."""


@dataclass(slots=True, eq=False)
class _Waiting:
    token: int
    identity: str
    since: float
    path: str
    replies: list[Asked]


@dataclass(slots=True)
class Desk:
    """One link. random: letters and digits, anew each time; move: see `Move`. users: nobody else is here, if any."""

    accounts: Accounts
    guard: Guard
    random: Callable[[], str]
    move: Move
    reply: Reply = Reply.BOTH
    voice: int = 0
    users: frozenset[str] = frozenset()
    _servers: Servers[Hashable] = field(default_factory=Servers)
    _clients: Clients[Hashable] = field(default_factory=Clients)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _tokens: dict[int, _Waiting] = field(default_factory=dict)
    _identities: dict[str, _Waiting] = field(default_factory=dict)
    _handles: dict[Hashable, int] = field(default_factory=dict)  # messages that wait, by who sent them

    def __len__(self) -> int:
        return len(self._tokens)

    def waiting(self, handle: Hashable) -> int:
        """How many messages of this sender wait."""
        return self._handles.get(handle, 0)

    @property
    def deadline(self) -> float | None:
        """When to `tick`."""
        return min((one for one in (self._servers.deadline, self._clients.deadline) if one is not None), default=None)

    def tick(self, at: float) -> list[Effect]:
        """The time is `at`."""
        sent = [Send(handle, octets) for handle, octets in self._servers.tick(at)]
        again, ended = self._clients.tick(at)
        sent += [Send(handle, octets) for handle, octets in again]
        return [*sent, *(effect for one in ended for effect in self._ended(one))]

    def gone(self, handle: Hashable) -> list[Effect]:
        """A connection is gone: what waits for an answer there will be sent again."""
        for waiting in list(self._tokens.values()) if self.waiting(handle) else ():
            waiting.replies = [one for one in waiting.replies if one.sender.handle != handle]
            if not waiting.replies:
                self._drop(waiting)
        self._handles.pop(handle, None)
        return [effect for one in self._clients.gone(lambda one: one == handle) for effect in self._ended(one)]

    # -- what comes ---------------------------------------------------------------------------------

    def datagram(self, octets: bytes, sender: Sender, at: float) -> list[Effect]:
        """One datagram. Blanks alone are a sign of life of the path (RFC 5626), nothing else."""
        if not octets.strip(b"\r\n\0 "):
            return []
        found, whole = message.datagram(octets)
        return self._heard(found, sender, at, "" if whole else "the body is shorter than it says")

    def packet(self, head: bytes, body: bytes, sender: Sender, at: float) -> list[Effect]:
        """One message of a stream."""
        return self._heard(message.parse(head, body), sender, at)

    def endless(self, endless: Endless, sender: Sender) -> list[Effect]:
        """A message of a stream whose end nobody can tell."""
        found = message.parse(endless.head, b"")
        effects: list[Effect] = [_refused(sender, endless.why, endless.head)]
        if isinstance(found, Request) and answering.answerable(found):
            answer = answering.response(answering.came(found, sender.source), endless.status, why=endless.why)
            effects.insert(0, Send(sender.handle, answer.octets()))
        return [*effects, Close(sender.handle)]

    def _heard(self, found: Request | Response | Broken, sender: Sender, at: float, fault: str = "") -> list[Effect]:
        if isinstance(found, Broken):
            return [_refused(sender, found.why, b"")]
        if isinstance(found, Response):
            ended = self._clients.hear(found, at)
            return self._ended(ended) if ended else []
        if not answering.answerable(found):
            return (
                [] if found.method == "ACK" else [_refused(sender, "no Via, so it cannot be answered", _start(found))]
            )
        request = answering.came(found, sender.source)
        if not sender.reliable:
            place = answering.goes_to(answering.top_via(request.headers), sender.source)
            sender = Sender(self.move(sender.handle, place), sender.source, sender.local, False, sender.transport)
        try:
            key = server_key(request, sender.source.host)
        except Malformed as error:
            return self._refuse(request, sender, answering.Refusal(400, str(error)))
        if (known := self._servers.known(key, sender.handle)) is not None:
            return [Send(sender.handle, known.answer)] if known.answer is not None else []
        if fault:
            return self._refuse(request, sender, answering.Refusal(400, fault))
        if (refusal := answering.refusal(request, ALLOWED)) is not None:
            return self._refuse(request, sender, refusal)
        user = grammar.uri(request.uri).user
        if self.users and user not in self.users:
            return self._refuse(request, sender, answering.Refusal(404, f"{user!r} is not here"))
        if request.method == "OPTIONS":
            allow = ("Allow", ", ".join(ALLOWED))
            return [Send(sender.handle, answering.response(request, 200, headers=(allow, ACCEPT)).octets())]
        return self._message(request, sender, key, at)

    def _message(self, request: Request, sender: Sender, key: tuple[str, ...], at: float) -> list[Effect]:
        kind = request.headers.first("content-type").partition(";")[0].strip().lower()
        if kind not in TYPES and not (not kind and request.body.lstrip().startswith(b"<")):
            why = f"its body is {kind}" if kind else "nothing says what its body is"
            return self._refuse(request, sender, answering.Refusal(415, why, (ACCEPT,)))
        mrq = scaip.read(request.body)
        controller = mrq.controller
        account = self.accounts.of(controller)
        if not controller:
            account = self.accounts.of(_user(request))  # who says nothing that can be read is whoever SIP says it is
        if (unproved := self._unproved(request, account, controller or _user(request), at)) is not None:
            return self._refuse(request, sender, unproved, controller or _user(request))
        if isinstance(mrq, Unreadable) and mrq.is_answer:
            return self._refuse(request, sender, answering.Refusal(200, mrq.why))
        served = self._servers.begin(
            key, sender.handle, reliable=sender.reliable, at=at, trying=answering.response(request, 100).octets()
        )
        if served is None or len(self._tokens) >= WAITING_MAX:
            if served is not None:
                self._servers.forget(served)
            busy = answering.Refusal(503, "too many messages wait to be stored", (_retry(),))
            return self._refuse(request, sender, busy)
        wrap = mrq.wrap if isinstance(mrq, Mrq) else Wrap.PLAIN
        way, who = account.reply or self.reply, controller if account is not STRANGER else sender.source.host
        reply = Asked(request, sender, served, account, way, Mrs(Answer.OK), wrap, who)
        if isinstance(mrq, Mrq) and controller and scaip_events.is_heartbeat(mrq):
            reply.mrs = self._mrs(Answer.OK, mrq, account)
            return [*self._answered(reply, at), Tell(Alive(controller, account.within_s))]
        return self._keep(request, mrq, reply, at)

    def _keep(self, request: Request, mrq: Mrq | Unreadable, reply: Asked, at: float) -> list[Effect]:
        """A message that is to be stored: what the intake hears, once for all its copies."""
        if isinstance(mrq, Mrq):
            reading = scaip_events.reading(mrq)
            reply.mrs = self._mrs(reading.answer, mrq, reply.account, reading.why)
        else:
            reading = scaip_events.guessed(mrq, request.body)
            reply.mrs = Mrs(reading.answer, mrq.reference, reading.why)
        path = reading.frame.account if reading.frame is not None else reply.sender.source.host
        identity = _identity(path, mrq, request.body)
        effects: list[Effect] = []
        if reply.account.accept is Accept.AT_ONCE:
            reply.told = True
            accepted = answering.response(request, 202).octets()
            self._servers.answered(reply.served, accepted, at)
            effects.append(Send(reply.served.sender, accepted))
        before = self._identities.get(identity)
        if before is not None and at - before.since < FORGOTTEN_S:
            if len(before.replies) < COPIES_MAX:
                before.replies.append(reply)
                self._count(reply, 1)
            return effects
        if before is not None:
            self._drop(before)
        waiting = _Waiting(next(self._numbers), identity, at, path, [reply])
        self._tokens[waiting.token] = self._identities[identity] = waiting
        self._count(reply, 1)
        return [*effects, Tell(_told(waiting, reading, _plain(request.headers.first("date"), 64) or None))]

    # -- what the intake says -----------------------------------------------------------------------

    def acknowledge(self, token: int, at: float) -> tuple[bool, list[Effect]]:
        """It is stored: what its senders hear. False if nobody is there any more: it will be sent again."""
        waiting = self._tokens.get(token)
        if waiting is None:
            return False, []
        self._drop(waiting)
        last = {reply.sender.handle: reply for reply in waiting.replies}  # each sender has one message of ours
        answers = (self._answered(one, at, own=last[one.sender.handle] is one) for one in waiting.replies)
        return True, [effect for effects in answers for effect in effects]

    def refuse(self, token: int, at: float) -> list[Effect]:
        """It is not stored: its senders send it again, or go to their next receiver."""
        waiting = self._tokens.get(token)
        if waiting is None:
            return []
        self._drop(waiting)
        effects: list[Effect] = []
        for reply in waiting.replies:
            if reply.told:
                effects += self._own_message(reply, Mrs(Answer.BUSY, reply.mrs.reference), at)
            else:
                effects += self._final(reply, answering.response(reply.request, 503, headers=(_retry(),)), at)
        return effects

    def _answered(self, reply: Asked, at: float, *, own: bool = True) -> list[Effect]:
        effects: list[Effect] = []
        if not reply.told:
            effects += self._final(reply, reply.answer(), at)
        if own and reply.reply is not Reply.BODY:
            effects += self._own_message(reply, reply.mrs, at)
        return effects

    def _final(self, reply: Asked, answer: Response, at: float) -> list[Effect]:
        octets, handle = answer.octets(), reply.served.sender
        self._servers.answered(reply.served, octets, at)
        return [Send(handle, octets)]

    def _own_message(self, reply: Asked, mrs: Mrs, at: float) -> list[Effect]:
        """The answer as a request of ours: on the connection, or to the address, that the unit's came from."""
        request, sender = own_message(reply, mrs, self.random), reply.sender
        handle = reply.served.sender
        if reply.account.contact is not None or not sender.reliable:
            handle = self.move(handle, reply.account.contact or contact_place(reply))
        about = (mrs.reference, reply.who) if reply.reply is Reply.MESSAGE else None
        patience_s = STRANGER_PATIENCE_S if reply.account is STRANGER else TIMER_F
        octets = self._clients.ask(request, handle, about, reliable=sender.reliable, at=at, patience_s=patience_s)
        if octets is not None:
            return [Send(handle, octets)]
        return [Tell(Refused(reply.who, f"too many answers of ours are under way: {mrs.reference!r} is not sent"))]

    def _ended(self, ended: Ended[Hashable]) -> list[Effect]:
        """An answer of ours was taken, or not; where it stood in the 200 as well nobody needs to know."""
        if (ended.status is not None and ended.status < 300) or not isinstance(ended.about, tuple):
            return []
        reference, path = ended.about
        how = "nobody answered" if ended.status is None else f"it said {ended.status}"
        return [Tell(Refused(path, f"the answer to its message {reference!r} did not arrive: {how}"))]

    def _mrs(self, answer: Answer, mrq: Mrq, account: Account, why: str = "") -> Mrs:
        alarm = mrq.message == "ME" and not mrq.first("stc") and answer is Answer.OK
        voice = account.voice if account.voice is not None else self.voice
        return Mrs(
            answer,
            mrq.reference[:64],
            why,
            voice=(voice if alarm else 0) if mrq.message == "ME" else None,
            call=account.call if alarm else None,
            transfer=account.transfer if alarm else "",
            heartbeat_min=account.heartbeat_min if mrq.adjustable and answer is Answer.OK else None,
        )

    # -- who it is, and the rest --------------------------------------------------------------------

    def _unproved(self, request: Request, account: Account, name: str, at: float) -> answering.Refusal | None:
        if account.password is None:
            return None
        given = request.headers.all("authorization")
        user = account.user or name
        verdict = self.guard.check(given, request.method, user, account.password, int(at))
        if verdict is Verdict.RIGHT:
            return None
        why = {
            Verdict.NONE: "",  # every unit asks once without: nothing to tell anybody of
            Verdict.STALE: "",
            Verdict.BASIC: f"{name} shows its password in clear (Basic)",
            Verdict.WRONG: f"{name} does not know its password",
        }[verdict]
        return answering.Refusal(401, why, self.guard.challenge(int(at), stale=verdict is Verdict.STALE))

    def _refuse(self, request: Request, sender: Sender, refusal: answering.Refusal, path: str = "") -> list[Effect]:
        answer = answering.response(request, refusal.status, why=refusal.why, headers=refusal.headers)
        effects: list[Effect] = [Send(sender.handle, answer.octets())]
        if refusal.why:
            effects.append(_refused(sender, f"{refusal.status}: {refusal.why}", _start(request), path))
        return effects

    def _drop(self, waiting: _Waiting) -> None:
        self._tokens.pop(waiting.token, None)
        if self._identities.get(waiting.identity) is waiting:
            del self._identities[waiting.identity]
        for reply in waiting.replies:
            self._count(reply, -1)

    def _count(self, reply: Asked, more: int) -> None:
        handle = reply.sender.handle
        self._handles[handle] = self._handles.get(handle, 0) + more
        if self._handles[handle] <= 0:
            del self._handles[handle]


def _told(waiting: _Waiting, reading: Reading, sent_at: str | None) -> Received | Unread:
    if reading.frame is None:
        return Unread(waiting.token, reading.text, waiting.path, reading.why, waiting.identity)
    return Received(waiting.token, reading.frame, waiting.path, waiting.identity, sent_at, reading.private)


def _identity(path: str, mrq: Mrq | Unreadable, body: bytes) -> str:
    """The same reference with the same content is a repetition; where it happens may change meanwhile."""
    if isinstance(mrq, Unreadable):
        said = body
    else:
        fields = sorted((name, values) for name, values in mrq.fields.items() if name not in ("geo", "tim", "gga"))
        said = repr(fields).encode()
    return f"{path} {mrq.reference[:64] or '-'} {hashlib.sha256(said).hexdigest()[:32]}"


def _user(request: Request) -> str:
    try:
        return grammar.uri(grammar.address(request.headers.first("from")).uri).user.upper()
    except Malformed:
        return ""


def _retry() -> Header:
    return ("Retry-After", str(RETRY_AFTER_S))


def _refused(sender: Sender, why: str, octets: bytes, path: str = "") -> Tell:
    """Without the text: there may be somebody's number in it. path: the unit, if it is one that we know."""
    first = printable(octets.partition(b"\r\n")[0])
    return Tell(Refused(path or sender.source.host, _plain(why, WHY_MAX), first[:100]))


def _start(request: Request) -> bytes:
    return f"{request.method} {request.uri}".encode("utf-8", "surrogateescape")


def _plain(text: str, longest: int) -> str:
    """What came in a header as the journal can keep it: octets that are no text made visible, and not without end."""
    return printable(text.encode("utf-8", "surrogateescape"))[:longest]
