"""A unit that reports by SCAIP over SIP: it waits for its answer, sends again, says that it lives, and has its faults.

`Unit` is its mind, pure: messages to report go in, packets come out; it is told what it hears and asks to be woken.
`scaip_wire.py` gives it a socket. A message is over when an answer (`mrs`) with its reference came, in the 200 or as a
message of its own; SIP alone (200 without it, 202) only ends the repetitions. HOLD, another error of SIP, or none at
all: it sends again under the same reference, in a transaction of its own.
Source: the fact sheet of SCAIP (B2, B3); RFC 3261, 17.1.2.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from drivers.ip import scaip
from drivers.ip.scaip import Answer, Mrs, Wrap
from drivers.sip import answering, digest, grammar, message
from drivers.sip.framing import Packet
from drivers.sip.message import Request, Response
from drivers.sip.transaction import Clients

DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"
HOLD_S: Final = 5.0  # B3: again after 5 to 20 s
IGNORED_MAX: Final = 100


class Outcome(Enum):
    """What became of a message, as far as the unit knows."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # another number than 0, which sending again does not mend
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """Who it is, and its habits.

    believes       "both", or only answers in the "body" of a 200, or only a "message" of its own
    deaf           it takes no requests: 405 to everything
    clock_off_s    so far is its clock ahead (Date)
    answer_wait_s  then it sends again, `attempts` times in all
    heartbeat_s    after so long without a word it says PI
    password       for digest; user: its own account unless said
    stuck          its reference never changes
    """

    account: str = "12345"
    believes: str = "both"
    deaf: bool = False
    wrap: Wrap = Wrap.PLAIN
    content_type: str = "application/scaip+xml"
    password: str | None = None
    user: str | None = None
    clock_off_s: float = 0.0
    answer_wait_s: float = 32.0
    attempts: int = 4
    heartbeat_s: float | None = None
    stuck: bool = False
    centre: str = "centre"
    deviate: Callable[[bytes], bytes] = bytes


@dataclass(frozen=True, slots=True)
class Done:
    """A message whose time is over. mrs: the answer, None without one; by: "body" or "message"."""

    number: int
    fields: dict[str, str]
    outcome: Outcome
    attempts: int
    mrs: Mrs | None = None
    by: str = ""


@dataclass(slots=True)
class _Sent:
    number: int
    fields: dict[str, str]
    due: float
    attempts: int = 0
    heartbeat: bool = False
    authorization: str = ""
    challenged: int = 0


@dataclass(slots=True)
class Unit:
    """One unit. Times: `at` in monotonic seconds, `utc` the true time. place: host and port that it goes by."""

    settings: UnitSettings
    transport: str = "UDP"
    place: str = "127.0.0.1:5060"
    receiver: str = "127.0.0.1:5060"
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    done: list[Done] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    requests: int = 0  # answers that came as messages of their own, repetitions included
    alive: int = 0  # heartbeats that were answered
    dead: int = 0
    _queue: deque[_Sent] = field(default_factory=deque)
    _sent: _Sent | None = None
    _clients: Clients[str] = field(default_factory=Clients)
    _answered: dict[str, bytes] = field(default_factory=dict)  # branch → what it said
    _numbers: int = 0
    _cseq: int = 0
    _spoke: float | None = None

    @property
    def deadline(self) -> float | None:
        """When it wants to be woken; now, if there is something to send."""
        times = [one for one in (self._clients.deadline, self._sent.due if self._sent else None) if one is not None]
        if self._sent is None and self._queue:
            times.append(self._spoke or 0.0)
        elif self._sent is None and self.settings.heartbeat_s is not None:
            times.append(self._spoke + self.settings.heartbeat_s if self._spoke is not None else 0.0)
        return min(times, default=None)

    def report(self, fields: dict[str, str]) -> int:
        """Something happened: it is sent at the next tick. `mty`, `cid` and `ref` are its own unless said."""
        self._numbers += 1
        number = 1 if self.settings.stuck else self._numbers
        whole = {"ref": f"R{number}", "mty": "ME", "cid": self.settings.account, **fields}
        self._queue.append(_Sent(self._numbers, whole, 0.0))
        return self._numbers

    def reconnected(self) -> None:
        """A new connection: what was asked on the old one is asked again when its time has come."""
        self._clients = Clients()

    def tick(self, at: float, utc: datetime) -> list[bytes]:
        """The time is `at`: what leaves now."""
        again, ended = self._clients.tick(at)
        packets = [octets for _, octets in again]
        if any(one.status is None for one in ended) and self._sent is not None:
            self._sent.due = min(self._sent.due, at)
        if self._sent is not None and at >= self._sent.due:
            if self._sent.attempts >= self.settings.attempts:
                self._over(Outcome.GIVEN_UP)
            else:
                packets += self._say(self._sent, at, utc)
        heartbeat_s = self.settings.heartbeat_s
        quiet = self._spoke is None or (heartbeat_s is not None and at - self._spoke >= heartbeat_s)
        if heartbeat_s is not None and quiet and self._sent is None and not self._queue:
            self._queue.append(self._heartbeat())
        if self._sent is None and self._queue:
            self._sent = self._queue.popleft()
            packets += self._say(self._sent, at, utc)
        return packets

    def hear(self, packet: Packet | bytes, at: float, utc: datetime) -> list[bytes]:
        """Something came back: what leaves for it."""
        found = message.datagram(packet)[0] if isinstance(packet, bytes) else message.parse(packet.head, packet.body)
        if isinstance(found, Request):
            return self._asked(found) + self.tick(at, utc)
        if isinstance(found, Response):
            return self._told(found, at, utc) + self.tick(at, utc)
        self._ignore(found.why)
        return []

    # -- what it hears ------------------------------------------------------------------------------

    def _asked(self, request: Request) -> list[bytes]:
        """A request: an answer of the centre, as a message of its own."""
        if not answering.answerable(request):
            return []
        branch = answering.top_via(request.headers).branch
        if branch not in self._answered:
            self._answered[branch] = self._taken(request).octets()
        else:
            self.requests += 1
        return [self._answered[branch]]

    def _taken(self, request: Request) -> Response:
        if request.method != "MESSAGE" or self.settings.deaf:
            return answering.response(request, 405, headers=(("Allow", "OPTIONS"),))
        self.requests += 1
        said = scaip.answer_of(request.body)
        if said is None:
            self._ignore("a message that is no answer")
        elif self.settings.believes != "body":
            self._settle(said, "message")
        return answering.response(request, 200)

    def _told(self, response: Response, at: float, utc: datetime) -> list[bytes]:
        ended = self._clients.hear(response, at)
        sent = self._sent
        if ended is None or sent is None or ended.about != (sent.number, sent.attempts, sent.challenged):
            return []
        if response.status == 401 and self.settings.password is not None and sent.challenged < 3:
            return self._proved(sent, response, at, utc)
        if response.status >= 300:
            wait = response.headers.first("retry-after").partition(";")[0].strip()
            pause_s = float(wait) if wait.isdecimal() else self.settings.answer_wait_s
            sent.due = min(sent.due, at + min(pause_s, self.settings.answer_wait_s))
            self._ignore(f"{response.status} {response.reason}")
            return []
        said = scaip.answer_of(response.body) if response.body else None
        if said is not None and self.settings.believes != "message":
            self._settle(said, "body", at)
        return []

    def _proved(self, sent: _Sent, response: Response, at: float, utc: datetime) -> list[bytes]:
        """Once more, with what shows that it knows the password; the first challenge that it understands."""
        for said in digest.credentials(response.headers.all("www-authenticate")):
            uri, user, nc, cnonce = self._uri, self.settings.user or self.settings.account, "00000001", self._token()
            try:
                answer = digest.answer(
                    said, "MESSAGE", user, self.settings.password or "", nc=nc, cnonce=cnonce, uri=uri
                )
            except ValueError:
                continue
            counted = f', qop=auth, nc={nc}, cnonce="{cnonce}"' if "qop" in said else ""
            sent.authorization = (
                f"Digest username={grammar.quoted(user)}, realm={grammar.quoted(said.get('realm', ''))}, "
                f'nonce="{said.get("nonce", "")}", uri="{uri}", response="{answer}", '
                f"algorithm={said.get('algorithm', 'MD5')}{counted}"
            )
            sent.challenged += 1
            sent.attempts -= 1
            return self._say(sent, at, utc)
        return []

    def _settle(self, mrs: Mrs, by: str, at: float | None = None) -> None:
        sent = self._sent
        if sent is None or (mrs.reference and mrs.reference != sent.fields.get("ref")):
            self._ignore(f"an answer to {mrs.reference}")
            return
        if mrs.answer is Answer.HOLD:
            sent.due = min(sent.due, (at if at is not None else self._spoke or 0.0) + HOLD_S)
            return
        self._over(Outcome.ACKNOWLEDGED if mrs.answer is Answer.OK else Outcome.REFUSED, mrs, by)

    def _over(self, outcome: Outcome, mrs: Mrs | None = None, by: str = "") -> None:
        sent, self._sent = self._sent, None
        assert sent is not None
        if sent.heartbeat:
            self.alive += outcome is Outcome.ACKNOWLEDGED
            self.dead += outcome is not Outcome.ACKNOWLEDGED
        else:
            self.done.append(Done(sent.number, sent.fields, outcome, sent.attempts, mrs, by))

    def _ignore(self, what: str) -> None:
        if len(self.ignored) < IGNORED_MAX:
            self.ignored.append(what)

    # -- what it says -------------------------------------------------------------------------------

    @property
    def _uri(self) -> str:
        return f"sip:{self.settings.centre}@{self.receiver}"

    def _heartbeat(self) -> _Sent:
        self._numbers += 1
        fields = {"ref": f"H{self._numbers}", "mty": "PI", "hbo": "001", "cid": self.settings.account, "dty": "0002"}
        return _Sent(self._numbers, fields, 0.0, heartbeat=True)

    def _say(self, sent: _Sent, at: float, utc: datetime) -> list[bytes]:
        sent.attempts += 1
        sent.due, self._spoke = at + self.settings.answer_wait_s, at
        self._cseq += 1
        me = f"<sip:{self.settings.account}@{self.place}>"
        via = f"SIP/2.0/{self.transport} {self.place};branch=z9hG4bK{self._token()};rport"
        lines = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", f"{me};tag={self._token()}"),
            ("To", f"<{self._uri}>"),
            ("Call-ID", f"{self._token()}@{self.place.rpartition(':')[0]}"),
            ("CSeq", f"{self._cseq} MESSAGE"),
            ("Contact", me),
            ("Date", (utc + timedelta(seconds=self.settings.clock_off_s)).strftime(DATE)),
            ("Content-Type", self.settings.content_type),
            *([("Authorization", sent.authorization)] if sent.authorization else []),
        ]
        body = scaip.octets(sent.fields, self.settings.wrap)
        request = Request("MESSAGE", self._uri, message.made(lines), body)
        about = (sent.number, sent.attempts, sent.challenged)
        octets = self._clients.ask(request, "", about, reliable=self.transport != "UDP", at=at)
        return [self.settings.deviate(octets)] if octets is not None else []

    def _token(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"


def fields_of(text: str) -> dict[str, str]:
    """`dty=0003 stc=0016` as fields; `dte="a b"` keeps its blanks. Raises ValueError."""
    import shlex

    fields: dict[str, str] = {}
    for word in shlex.split(text):
        name, mark, value = word.partition("=")
        if not mark or not name.isidentifier() or len(name) > 32:
            raise ValueError(f"{word!r} is no field; write for example dty=0003")
        fields[name] = value
    return fields
