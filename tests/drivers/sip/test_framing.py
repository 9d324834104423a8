from __future__ import annotations

import pytest

from drivers.sip.framing import Endless, Framer, Packet
from drivers.sip.message import MESSAGE_MAX
from tests.drivers.sip.examples import HEAD, octets


def taken(pieces: list[bytes]) -> list[Packet | Endless]:
    framer, found = Framer(), []
    for piece in pieces:
        framer.push(piece)
        while (one := framer.take()) is not None:
            found.append(one)
    return found


WHOLE = octets()
PACKET = Packet(WHOLE[: -len(b"\r\n\r\nhello")], b"hello")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 10_000])
def test_any_cut_gives_the_same_messages(step: int) -> None:
    stream = b"\r\n" + WHOLE + b"\r\n\r\n" + WHOLE + octets(body=b"")
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert [one.body for one in taken(pieces) if isinstance(one, Packet)] == [b"hello", b"hello", b""]
    assert taken(pieces)[:2] == [PACKET, PACKET]


@pytest.mark.parametrize("name", ["l", "L", "content-LENGTH", "Content-Length "])
def test_the_length_has_many_names(name: str) -> None:
    (found,) = taken([octets(HEAD + f"{name}:\n 5\n", length=False)])
    assert isinstance(found, Packet)
    assert found.body == b"hello"


@pytest.mark.parametrize(
    ("head", "status", "why"),
    [
        (HEAD, 400, "no Content-Length"),
        (HEAD + "l: 5\nl: 6\n", 400, "several lengths"),
        (HEAD + "l: -5\n", 400, "is none"),
        (HEAD + "l: 5 6\n", 400, "is none"),
        (HEAD + f"l: {MESSAGE_MAX}\n", 413, "octets"),
    ],
)
def test_a_message_without_an_end_ends_the_stream(head: str, status: int, why: str) -> None:
    framer = Framer()
    framer.push(octets(head, length=False) + WHOLE)
    found = framer.take()
    assert isinstance(found, Endless)
    assert found.status == status
    assert why in found.why
    assert found.head.startswith(b"MESSAGE")
    framer.push(WHOLE)
    assert framer.take() is None
    assert not framer.unfinished


def test_a_head_without_end_is_bounded() -> None:
    framer = Framer()
    for _ in range(70):
        framer.push(b"x" * 1_000)
        found = framer.take()
        if found is not None:
            break
    assert isinstance(found, Endless)
    assert found.status == 513
    assert len(found.head) < 3_000


def test_pings() -> None:
    framer = Framer()
    framer.push(b"\r\n")
    assert framer.take() is None
    assert not framer.pong()
    framer.push(b"\r\n")
    assert framer.take() is None
    assert framer.pong()
    assert not framer.pong()
    framer.push(WHOLE[:50])
    assert framer.take() is None
    assert framer.unfinished
    assert not framer.pong()
