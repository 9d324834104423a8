from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from drivers.ip.scaip import Answer, Mrs
from drivers.ip.scaip_accounts import Accept, Account, Accounts, Reply
from drivers.ip.scaip_desk import COPIES_MAX, FORGOTTEN_S, Close, Desk, Effect, Send, Tell
from drivers.ip.scaip_replies import Sender
from drivers.link import Alive, LinkInput, Received, Refused, Unread
from drivers.sip import digest, message
from drivers.sip.answering import Place
from drivers.sip.digest import Guard
from drivers.sip.framing import Endless
from drivers.sip.message import Request, Response
from tests.drivers.ip.scaip_unit import ALARM, HEARTBEAT, answer, asked, mrs, packet, response

HERE = Place("192.0.2.1", 5060)
UNIT = Sender("udp", Place("192.0.2.7", 5070), HERE, False, "UDP")
STREAM = Sender("connection 1", Place("192.0.2.7", 40_000), HERE, True, "TCP")
PASSWORD = "geheim"


@dataclass
class Tried:
    """A desk with its senders and its intake."""

    desk: Desk
    at: float = 0.0
    sent: list[tuple[Any, Request | Response]] = field(default_factory=list)
    told: list[LinkInput] = field(default_factory=list)
    closed: list[Any] = field(default_factory=list)

    def datagram(self, octets: bytes, sender: Sender = UNIT) -> None:
        self.do(self.desk.datagram(octets, sender, self.at))

    def packet(self, octets: bytes, sender: Sender = STREAM) -> None:
        head, _, body = octets.partition(b"\r\n\r\n")
        self.do(self.desk.packet(head, body, sender, self.at))

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(handle, octets):
                    found, _ = message.datagram(octets)
                    assert isinstance(found, Request | Response)
                    self.sent.append((handle, found))
                case Tell(happened):
                    self.told.append(happened)
                case Close(handle):
                    self.closed.append(handle)

    def acknowledge(self, token: int = 1) -> bool:
        told, effects = self.desk.acknowledge(token, self.at)
        self.do(effects)
        return told

    def refuse(self, token: int = 1) -> None:
        self.do(self.desk.refuse(token, self.at))

    def until(self, at: float) -> None:
        while (deadline := self.desk.deadline) is not None and deadline <= at:
            self.at = deadline
            self.do(self.desk.tick(deadline))
        self.at = at

    @property
    def statuses(self) -> list[int]:
        return [one.status for _, one in self.sent if isinstance(one, Response)]

    @property
    def requests(self) -> list[Request]:
        return [one for _, one in self.sent if isinstance(one, Request)]

    @property
    def messages(self) -> list[Received | Unread]:
        return [one for one in self.told if isinstance(one, Received | Unread)]

    @property
    def why(self) -> list[str]:
        return [one.why for one in self.told if isinstance(one, Refused)]


def tried(account: Account | None = None, **options: Any) -> Tried:
    accounts = Accounts({"12345": account} if account else {})
    numbers = iter(range(100_000))
    return Tried(
        Desk(
            accounts,
            Guard(b"secret", "yobirin"),
            lambda: f"r{next(numbers)}",
            lambda handle, place: handle if str(handle).startswith("conn") else f"{place.host}:{place.port}",
            **options,
        )
    )


def test_nothing_says_i_have_it_before_the_intake_does() -> None:
    one = tried(reply=Reply.BODY)
    one.datagram(packet())
    (message_,) = one.messages
    assert isinstance(message_, Received)
    assert (message_.frame.account, message_.frame.code, message_.path) == ("12345", "ME/0003", "12345")
    one.datagram(packet())
    one.datagram(packet())
    assert one.sent == []
    assert len(one.messages) == 1
    assert one.acknowledge()
    ((handle, said),) = one.sent
    assert handle == "192.0.2.7:5070"
    assert isinstance(said, Response)
    assert (said.status, said.headers.first("content-type")) == (200, "application/scaip+xml")
    assert mrs(said) == Mrs(Answer.OK, "A1", voice=0)
    one.datagram(packet())
    assert one.sent[1] == one.sent[0], "a repetition hears the same answer"
    assert len(one.messages) == 1
    assert not one.acknowledge()
    assert len(one.desk) == 0


def test_the_answer_as_a_message_of_its_own() -> None:
    one = tried(Account(reply=Reply.MESSAGE))
    one.datagram(packet(extra=("Contact: <sip:unit@192.0.2.7:5099>",)))
    one.acknowledge()
    (first, said), (second, request) = one.sent
    assert isinstance(said, Response)
    assert (first, said.status, said.body) == ("192.0.2.7:5070", 200, b"")
    assert isinstance(request, Request)
    assert (second, request.method, request.uri) == ("192.0.2.7:5099", "MESSAGE", "sip:unit@192.0.2.7:5099")
    assert mrs(request) == Mrs(Answer.OK, "A1", voice=0)
    lines = dict(request.headers.lines)
    assert lines["Via"] == "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKr0;rport"
    assert (lines["From"], lines["To"]) == ("<sip:centre@192.0.2.1>;tag=r1", "<sip:12345@192.0.2.7>")
    assert lines["CSeq"] == "1 MESSAGE"
    one.until(0.5)
    assert one.requests == [request, request], "over UDP it is repeated"
    one.datagram(answer(request.octets()))
    one.until(60)
    assert one.requests == [request, request]
    assert one.why == []


@pytest.mark.parametrize("said", [None, 486, 401])
def test_an_answer_that_did_not_arrive_is_told(said: int | None) -> None:
    one = tried(Account(reply=Reply.MESSAGE))
    one.datagram(packet())
    one.acknowledge()
    if said is not None:
        one.datagram(answer(one.requests[0].octets(), said))
    one.until(60)
    assert one.why == [
        f"the answer to its message 'A1' did not arrive: {f'it said {said}' if said else 'nobody answered'}"
    ]


def test_both_ways_for_whoever_is_in_no_file() -> None:
    one = tried()
    one.datagram(packet())
    one.acknowledge()
    assert one.statuses == [200]
    assert mrs(one.sent[0][1]) == mrs(one.sent[1][1])
    one.until(60)
    assert len(one.requests) == 4, "nobody vouches for the address: it is not asked for long"
    assert one.why == [], "the answer stood in the 200, too"


@pytest.mark.parametrize(
    ("contact", "goes"),
    [
        ("<sip:u@192.0.2.7>", "192.0.2.7:5060"),
        ("<sip:u@192.0.2.99:5060>", "192.0.2.7:5070"),
        ("<sip:u@unit.example:5060>", "192.0.2.7:5070"),
        ("<tel:+4670>", "192.0.2.7:5070"),
    ],
)
def test_no_packet_has_us_write_to_somebody_else(contact: str, goes: str) -> None:
    one = tried(reply=Reply.MESSAGE)
    one.datagram(packet(extra=(f"Contact: {contact}",)))
    one.acknowledge()
    assert one.sent[1][0] == goes
    agreed = tried(Account(reply=Reply.MESSAGE, contact=Place("192.0.2.50", 5066)))
    agreed.datagram(packet(extra=(f"Contact: {contact}",)))
    agreed.acknowledge()
    assert agreed.sent[1][0] == "192.0.2.50:5066"


def test_202_at_once_for_who_agreed_to_it() -> None:
    one = tried(Account(reply=Reply.MESSAGE, accept=Accept.AT_ONCE))
    one.datagram(packet())
    assert one.statuses == [202]
    assert one.requests == []
    one.datagram(packet())
    assert one.statuses == [202, 202]
    one.acknowledge()
    assert one.statuses == [202, 202]
    assert mrs(one.requests[0]).answer is Answer.OK
    other = tried(Account(reply=Reply.MESSAGE, accept=Accept.AT_ONCE))
    other.datagram(packet())
    other.refuse()
    assert mrs(other.requests[0]).answer is Answer.BUSY


def test_what_is_not_stored_is_answered_503_and_taken_again() -> None:
    one = tried()
    one.datagram(packet())
    one.refuse()
    assert one.statuses == [503]
    assert one.requests == []
    ((_, said),) = one.sent
    assert said.headers.first("retry-after") == "10"
    one.datagram(packet(branch="2"))
    assert [message_.token for message_ in one.messages] == [1, 2]


def test_the_same_message_in_another_transaction_is_stored_once_and_answered_twice() -> None:
    one = tried(reply=Reply.BODY)
    one.datagram(packet())
    for number in range(2, 20):
        one.datagram(packet(branch=str(number)))
    assert len(one.messages) == 1
    one.acknowledge()
    assert one.statuses == [200] * COPIES_MAX
    assert len({said.headers.first("call-id") for _, said in one.sent}) == COPIES_MAX


def test_the_answer_leaves_as_a_message_once_for_all_copies() -> None:
    one = tried()
    for number in range(3):
        one.datagram(packet(branch=str(number)))
    one.acknowledge()
    assert one.statuses == [200, 200, 200]
    assert len(one.requests) == 1
    one.desk._clients.limit = 1
    one.datagram(packet(branch="9"))
    one.acknowledge(2)
    assert len(one.requests) == 1
    assert one.why == ["too many answers of ours are under way: 'A1' is not sent"]


def test_what_a_repetition_is_the_same_in() -> None:
    def identity(body: bytes) -> str | None:
        one = tried()
        one.datagram(packet(body))
        return one.messages[0].identity

    same = identity(ALARM)
    assert same is not None
    assert same.startswith("12345 A1 ")
    assert identity(ALARM.replace(b"</mrq>", b"<lge><geo>1,2</geo><tim>now</tim></lge></mrq>")) == same
    for other in ((b"ME", b"RE"), (b"A1", b"A2"), (b"0003", b"0002"), (b"12345", b"12346")):
        assert identity(ALARM.replace(*other)) != same


def test_what_the_journal_forgets_is_given_again() -> None:
    one = tried()
    one.datagram(packet())
    one.at = FORGOTTEN_S - 1
    one.datagram(packet(branch="2"))
    assert len(one.messages) == 1
    one.at = FORGOTTEN_S
    one.datagram(packet(branch="3"))
    assert len(one.messages) == 2
    assert not one.acknowledge(1)
    assert one.acknowledge(2)


def test_whoever_waits_long_hears_100() -> None:
    one = tried()
    one.datagram(packet())
    one.until(3.5)
    assert one.statuses == [100]
    one.datagram(packet())
    assert one.statuses == [100, 100]
    one.acknowledge()
    assert one.statuses == [100, 100, 200]


def test_heartbeats_are_answered_at_once() -> None:
    one = tried(Account(heartbeat_min=60, reply=Reply.BODY))
    one.datagram(packet(HEARTBEAT))
    assert one.told == [Alive("12345", 5_400)]
    assert mrs(one.sent[0][1]) == Mrs(Answer.OK, "H1", heartbeat_min=60)
    one.datagram(packet(HEARTBEAT))
    assert one.statuses == [200, 200]
    assert len(one.told) == 1
    one.datagram(packet(HEARTBEAT.replace(b"001", b"0"), branch="2"))
    assert mrs(one.sent[2][1]).heartbeat_min is None, "it does not let itself be told"
    one.datagram(packet(HEARTBEAT.replace(b"</mrq>", b"<stc>0016</stc></mrq>"), branch="3"))
    assert isinstance(one.told[-1], Received)


@pytest.mark.parametrize(
    ("body", "voice", "call"),
    [
        (ALARM, 1, 5),
        (ALARM.replace(b"</mrq>", b"<stc>0016</stc></mrq>"), 0, None),
        (ALARM.replace(b"ME", b"RE"), None, None),
    ],
)
def test_speech_is_for_alarms(body: bytes, voice: int | None, call: int | None) -> None:
    one = tried(Account(voice=1, call=5, reply=Reply.BODY))
    one.datagram(packet(body))
    one.acknowledge()
    said = mrs(one.sent[0][1])
    assert (said.voice, said.call) == (voice, call)


@pytest.mark.parametrize(
    ("body", "expected", "number"),
    [
        (b"<mrq>", Unread, Answer.INVALID_FORMAT),
        (b"<!DOCTYPE a><mrq/>", Unread, Answer.INVALID_FORMAT),
        (b"<mrq><ref>A1</ref><dty>3</dty></mrq>", Unread, Answer.MANDATORY_TAG_MISSING),
        (b"<mrq><ref>A1</ref><cid>12345</cid></mrq>", Received, Answer.MANDATORY_TAG_MISSING),
        (b"<mrq><ref>A1</ref><cid>12345</cid><dty>x</dty></mrq>", Received, Answer.WRONG_CONTENT),
        (b"<mrq><cid>12345</cid><dty>3</dty></mrq>", Received, Answer.REFERENCE_MISSING),
        (b"<mrq><cid>12345</cid>" + b"x" * 20_000, Received, Answer.TOO_LONG),
        (b"<mrq><ref>A1</ref><cid>12345</cid><dty>777</dty></mrq>", Received, Answer.OK),
    ],
)
def test_what_cannot_be_understood_is_stored_and_answered_by_its_number(
    body: bytes, expected: type, number: Answer
) -> None:
    one = tried(reply=Reply.BODY)
    one.packet(packet(body))
    (found,) = one.messages
    assert isinstance(found, expected)
    one.acknowledge()
    assert mrs(one.sent[0][1]).answer is number
    assert one.statuses == [200]


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (packet(b"hello", kind="text/plain"), 415),
        (packet(b"hello", kind=None), 415),
        (packet(kind="multipart/mixed;boundary=x"), 415),
        (packet(extra=("Content-Encoding: gzip",)), 415),
        (packet(method="INVITE"), 405),
        (packet(method="SING"), 501),
        (packet(method="CANCEL"), 481),
        (packet(extra=("Require: path",)), 420),
        (packet(uri="tel:+4670"), 416),
        (packet(uri="sip:else@192.0.2.1"), 404),
        (packet().replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1), 505),
        (packet()[:-5], 400),
        (packet().replace(b"Call-ID: call-1\r\n", b""), 400),
    ],
)
def test_what_goes_no_further(octets: bytes, status: int) -> None:
    one = tried(users=frozenset({"centre"}))
    one.datagram(octets)
    assert one.statuses == [status]
    assert one.messages == []
    assert len(one.why) == 1
    assert one.why[0].startswith(str(status))
    assert len(one.desk) == 0
    assert one.desk.deadline is None


def test_415_says_what_would_do() -> None:
    one = tried()
    one.datagram(packet(b"hello", kind="text/plain"))
    assert one.sent[0][1].headers.first("accept") == "application/scaip+xml, application/xml, text/xml"


def test_options() -> None:
    one = tried()
    one.datagram(packet(b"", method="OPTIONS", kind=None))
    assert one.statuses == [200]
    assert one.sent[0][1].headers.first("allow") == "MESSAGE, OPTIONS"
    assert one.told == []


@pytest.mark.parametrize(
    "octets", [b"", b"\r\n\r\n", b"\0\0\0\0", packet(b"", method="ACK"), b"SIP/2.0 200 OK\r\n\r\n"]
)
def test_what_nobody_answers(octets: bytes) -> None:
    one = tried()
    one.datagram(octets)
    assert one.sent == []
    assert one.told == []


def test_what_is_no_sip_or_cannot_be_answered_is_told() -> None:
    one = tried()
    one.datagram(b"hello")
    one.datagram(re.sub(rb"Via: .*\r\n", b"", packet()))
    assert one.sent == []
    assert one.why == ["neither request nor response", "no Via, so it cannot be answered"]


def test_without_a_type_xml_is_xml() -> None:
    one = tried()
    one.datagram(packet(kind=None))
    assert len(one.messages) == 1


def test_the_answer_has_the_type_and_the_wrapping_of_the_question() -> None:
    one = tried(reply=Reply.BOTH)
    one.datagram(packet(b"<scaip>" + ALARM + b"</scaip>", kind="Application/XML; charset=utf-8"))
    one.acknowledge()
    for _, said in one.sent:
        assert said.headers.first("content-type") == "application/xml"
        assert said.body.endswith(b"<scaip><mrs><ref>A1</ref><snu>0</snu><mre>0</mre></mrs></scaip>")


def test_an_answer_is_no_message() -> None:
    one = tried()
    one.datagram(packet(Mrs(Answer.OK, "A1").octets()))
    assert one.statuses == [200]
    assert one.messages == []
    assert one.why == ["200: it is an answer, and nothing was asked"]


def test_a_clock_is_data() -> None:
    one = tried()
    one.datagram(packet(extra=("Date: Mon, 01 Jan 1990 00:00:00 GMT",)))
    (found,) = one.messages
    assert isinstance(found, Received)
    assert found.sent_at == "Mon, 01 Jan 1990 00:00:00 GMT"


def test_octets_that_are_no_text_keep_no_alarm_out_of_the_journal() -> None:
    """A header may hold any octets; the journal keeps text, and would refuse the rest of the message with it."""
    one = tried()
    one.datagram(packet(extra=("Date: X",)).replace(b"Date: X", b"Date: \xe9t\xff" + b"e" * 500))
    (found,) = one.messages
    assert isinstance(found, Received)
    assert found.sent_at is not None
    assert (found.sent_at[:4], len(found.sent_at)) == ("étÿe", 64)
    one.datagram(packet(branch="2", extra=("Require: X",)).replace(b"Require: X", b"Require: \xff" + b"x" * 500))
    assert one.why[0].startswith("420: it requires ÿxx")
    assert len(one.why[0]) == 200
    for happened in one.told:
        json.dumps(asdict(happened), ensure_ascii=False).encode()


def authorised(challenge: str, body: bytes = ALARM, *, password: str = PASSWORD, branch: str = "2") -> bytes:
    (told,) = digest.credentials([challenge])
    uri, nc, cnonce = "sip:centre@192.0.2.1", "00000001", "c"
    said = digest.answer(told, "MESSAGE", "12345", password, nc=nc, cnonce=cnonce, uri=uri)
    value = (
        f'Digest username="12345", realm="{told["realm"]}", nonce="{told["nonce"]}", uri="{uri}", '
        f'response="{said}", algorithm={told["algorithm"]}, qop=auth, nc={nc}, cnonce="{cnonce}"'
    )
    return packet(body, branch=branch, extra=(f"Authorization: {value}",))


@pytest.mark.parametrize("number", [0, 1], ids=["SHA-256", "MD5"])
def test_who_has_a_password_must_show_it(number: int) -> None:
    one = tried(Account(PASSWORD))
    one.datagram(packet())
    assert one.statuses == [401]
    assert one.told == []
    challenge = one.sent[0][1].headers.all("www-authenticate")[number]
    one.datagram(authorised(challenge, password="wrong"))
    assert one.statuses == [401, 401]
    assert one.why == ["401: 12345 does not know its password"]
    assert one.told[0].path == "12345", "the unit's own ration: strangers do not use it up"
    one.datagram(authorised(challenge, branch="3"))
    assert len(one.messages) == 1
    one.acknowledge()
    assert one.statuses == [401, 401, 200]
    one.datagram(authorised(challenge, ALARM.replace(b"A1", b"A2"), branch="4"))
    assert one.statuses == [401, 401, 200, 401]
    assert "stale=true" in one.sent[-1][1].headers.first("www-authenticate")


def test_basic_is_never_taken() -> None:
    one = tried(Account(PASSWORD))
    one.datagram(packet(extra=("Authorization: Basic MTIzNDU6Z2VoZWlt",)))
    assert one.statuses == [401]
    assert one.why == ["401: 12345 shows its password in clear (Basic)"]


def test_rubbish_under_a_guarded_name_must_prove_itself_as_well() -> None:
    one = tried(Account(PASSWORD))
    one.datagram(packet(b"<mrq><cid>12345</cid>"))
    one.datagram(packet(b"<mrq>", branch="2"))  # by From
    assert one.statuses == [401, 401]
    assert one.messages == []


def test_over_a_stream() -> None:
    one = tried(Account(reply=Reply.MESSAGE))
    one.packet(packet(transport="TCP"))
    assert one.desk.waiting("connection 1") == 1
    one.acknowledge()
    assert one.desk.waiting("connection 1") == 0
    assert [handle for handle, _ in one.sent] == ["connection 1", "connection 1"]
    one.until(31)
    assert len(one.requests) == 1, "a stream repeats nothing"
    assert one.requests[0].headers.first("via").startswith("SIP/2.0/TCP 192.0.2.1:5060;")


def test_a_connection_that_is_gone() -> None:
    one = tried(Account(reply=Reply.MESSAGE))
    one.packet(packet(transport="TCP"))
    one.do(one.desk.gone("connection 1"))
    assert not one.acknowledge()
    assert one.sent == []
    one.packet(packet(transport="TCP", branch="2"))
    one.acknowledge(2)
    one.do(one.desk.gone("connection 1"))
    assert one.why == ["the answer to its message 'A1' did not arrive: nobody answered"]


def test_a_stream_without_an_end_is_answered_and_closed() -> None:
    one = tried()
    head = packet().partition(b"\r\n\r\n")[0]
    one.do(one.desk.endless(Endless(head, 400, "no Content-Length"), STREAM))
    assert one.statuses == [400]
    assert one.closed == ["connection 1"]
    one.do(one.desk.endless(Endless(b"rubbish", 513, "too long"), STREAM))
    assert one.closed == ["connection 1", "connection 1"]
    assert one.statuses == [400]


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.ip.scaip_desk.WAITING_MAX", 2)
    one = tried()
    for number in range(3):
        one.datagram(packet(ALARM.replace(b"A1", b"A%d" % number), branch=str(number)))
    assert len(one.messages) == 2
    assert one.statuses == [503]
    assert one.why == ["503: too many messages wait to be stored"]


def test_what_is_told_holds_no_text() -> None:
    one = tried(Account(PASSWORD))
    one.datagram(packet(ALARM.replace(b"</mrq>", b"<dte>Anna</dte></mrq>"), extra=("Authorization: Basic x",)))
    assert "Anna" not in repr(one.told)


def test_ipv6() -> None:
    one = tried(Account(reply=Reply.MESSAGE))
    sender = Sender("udp", Place("2001:db8::7", 5070), Place("2001:db8::1", 5060), False, "UDP")
    one.datagram(packet(via="[2001:db8::7]:5071"), sender)
    one.acknowledge()
    assert one.sent[0][0] == "2001:db8::7:5071"
    assert "[2001:db8::1]:5060" in one.requests[0].headers.first("via")
    assert response(one.sent[0][1].octets()).status == 200
    assert asked(one.requests[0].octets()).method == "MESSAGE"
