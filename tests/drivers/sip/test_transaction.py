from __future__ import annotations

from drivers.sip import message
from drivers.sip.message import Request, Response
from drivers.sip.transaction import Clients, Ended, Servers, server_key
from tests.drivers.sip.examples import HEAD, changed, request


def key(one: Request, host: str = "192.0.2.7") -> tuple[str, ...]:
    return server_key(one, host)


def test_what_makes_a_repetition() -> None:
    same = key(request())
    assert key(changed("CSeq: 1", "CSeq: 2")) == same
    for old, new in (("z9hG4bK77", "z9hG4bK78"), (":5070", ":5071"), ("MESSAGE", "OPTIONS")):
        assert key(request(HEAD.replace(old, new))) != same
    assert key(request(), "192.0.2.8") != same


def test_without_a_branch_as_rfc_2543_has_it() -> None:
    for branch in ("", ";branch=z9hG4bK", ";branch=1"):
        old = HEAD.replace(";branch=z9hG4bK77", branch)
        assert key(request(old)) == key(request(old))
        assert key(request(old)) != key(request(old.replace("CSeq: 1", "CSeq: 2")))
        assert key(request(old)) != key(request(old.replace("Call-ID: a", "Call-ID: b")))


def test_ack_belongs_to_its_invite() -> None:
    invite, ack = (request(HEAD.replace("MESSAGE", method)) for method in ("INVITE", "ACK"))
    assert key(invite) == key(ack)


def test_a_repetition_hears_the_same_answer_until_j() -> None:
    servers = Servers[str]()
    served = servers.begin(("a",), "first", reliable=False, at=0.0)
    assert served is not None
    again = servers.known(("a",), "second")
    assert again is served
    assert (again.sender, again.answer) == ("second", None)
    servers.answered(served, b"200", 1.0)
    assert servers.deadline == 33.0
    assert servers.tick(32.9) == []
    known = servers.known(("a",), "third")
    assert known is not None
    assert known.answer == b"200"
    assert servers.tick(33.0) == []
    assert servers.known(("a",), "x") is None
    assert len(servers) == 0
    assert servers.deadline is None


def test_on_a_stream_j_is_nothing() -> None:
    servers = Servers[str]()
    served = servers.begin(("a",), "first", reliable=True, at=0.0)
    assert served is not None
    servers.answered(served, b"200", 1.0)
    assert servers.known(("a",), "x") is None


def test_who_waits_long_hears_100() -> None:
    servers = Servers[str]()
    served = servers.begin(("a",), "unit", reliable=False, at=0.0, trying=b"100")
    assert served is not None
    assert servers.deadline == 3.5
    assert servers.tick(3.4) == []
    assert servers.tick(3.5) == [("unit", b"100")]
    assert servers.known(("a",), "unit") is served
    assert served.answer == b"100"
    servers.answered(served, b"200", 5.0)
    assert served.answer == b"200"
    assert servers.tick(36.9) == []
    assert len(servers) == 1
    servers.tick(37.0)
    assert len(servers) == 0


def test_who_is_never_answered_is_forgotten() -> None:
    servers = Servers[str]()
    servers.begin(("a",), "unit", reliable=False, at=0.0, trying=b"100")
    servers.tick(3.5)
    servers.tick(35.5)
    assert len(servers) == 0


def test_too_many() -> None:
    servers = Servers[str](limit=2)
    one, two = (servers.begin((name,), name, reliable=False, at=0.0) for name in "ab")
    assert one is not None
    assert two is not None
    assert servers.begin(("c",), "c", reliable=False, at=0.0) is None
    servers.answered(two, b"", 0.0)
    assert servers.begin(("c",), "c", reliable=False, at=0.0) is not None
    assert servers.known(("b",), "b") is None
    assert servers.known(("a",), "a") is one
    servers.forget(one)
    assert servers.known(("a",), "a") is None


def answer(to: Request, status: int) -> Response:
    return Response(status, "", message.made(to.headers.lines))


def test_a_request_of_ours_is_repeated_as_e_says_and_given_up_by_f() -> None:
    clients = Clients[str]()
    octets = clients.ask(request(), "unit", "A1", reliable=False, at=0.0)
    assert octets == request().octets()
    times = []
    while clients.deadline is not None:
        at = clients.deadline
        sent, ended = clients.tick(at)
        times += [at for _ in sent]
        assert all(one == ("unit", octets) for one in sent)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert at == 32.0
    assert ended == [Ended("A1", "unit", None)]
    assert len(clients) == 0


def test_on_a_stream_it_is_not_repeated() -> None:
    clients = Clients[str]()
    clients.ask(request(), "unit", "A1", reliable=True, at=0.0)
    assert clients.deadline == 32.0
    assert clients.tick(32.0) == ([], [Ended("A1", "unit", None)])


def test_its_answer_ends_it_once() -> None:
    clients = Clients[str]()
    clients.ask(request(), "unit", "A1", reliable=False, at=0.0)
    assert clients.hear(answer(request(), 100), 0.2) is None
    assert clients.tick(0.5)[0]
    assert clients.tick(4.4) == ([], [])
    assert clients.tick(4.5)[0]  # Proceeding: T2
    other = answer(changed("z9hG4bK77", "z9hG4bK78"), 200)
    assert clients.hear(other, 5.0) is None
    assert clients.hear(answer(request(), 486), 5.0) == Ended("A1", "unit", 486)
    assert clients.hear(answer(request(), 486), 5.1) is None
    assert clients.tick(9.0) == ([], [])
    clients.tick(10.0)
    assert len(clients) == 0
    assert clients.hear(answer(request(), 200), 11.0) is None


def test_whose_connection_is_gone() -> None:
    clients = Clients[str]()
    clients.ask(request(), "gone", "A1", reliable=True, at=0.0)
    clients.ask(changed("z9hG4bK77", "z9hG4bK78"), "there", "A2", reliable=True, at=0.0)
    assert clients.gone(lambda sender: sender == "gone") == [Ended("A1", "gone", None)]
    assert len(clients) == 1
    assert clients.hear(Response(200, "", message.made([])), 1.0) is None


def test_too_many_of_ours() -> None:
    clients = Clients[str](limit=1)
    assert clients.ask(request(), "unit", 1, reliable=False, at=0.0) is not None
    assert clients.ask(changed("z9hG4bK77", "z9hG4bK78"), "unit", 2, reliable=False, at=0.0) is None
