"""The answerer on a real socket: whatever is sent, it answers or hangs up, and goes on; a port in use is waited for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from receiver.health import server
from receiver.health.page import Response
from receiver.health.server import REQUEST_BYTES_MAX, Server


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def until_listening(told: list[str | None]) -> None:
    async with asyncio.timeout(10):
        while None not in told:
            await asyncio.sleep(0.01)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    number, told = free_port(), list[str | None]()
    task = asyncio.create_task(
        Server(f"127.0.0.1:{number}", lambda request: Response(200, request[:4]), told.append).run()
    )
    await until_listening(told)
    yield number
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def said(port: int, *words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for word in words:
        writer.write(word)
        await writer.drain()
        await asyncio.sleep(0)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_request_in_pieces_is_one_request(port: int) -> None:
    answer = await said(port, b"GE", b"T /healthz HT", b"TP/1.1\r\n", b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nGET ")


async def test_what_is_too_long_or_ends_early_is_refused(port: int) -> None:
    assert (await said(port, b"GET /" + b"x" * 2 * REQUEST_BYTES_MAX)).startswith(b"HTTP/1.1 400 ")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n")
    writer.write_eof()
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_who_says_nothing_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_S", 0.05)
    assert await said(port, b"GET /") == b""


async def test_many_who_say_nothing_do_not_keep_the_next_one_out_for_ever(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "AT_ONCE_MAX", 2)
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    async with asyncio.timeout(10):
        while await said(port, b"GET / HTTP/1.1\r\n\r\n") != b"":  # the third is not answered …
            await asyncio.sleep(0.01)
        for _, writer in idle:
            writer.close()
        while not (await said(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200"):  # … until they are gone
            await asyncio.sleep(0.01)


async def test_a_port_in_use_is_said_and_taken_as_soon_as_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "AGAIN_S", 0.05)
    told: list[str | None] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        task = asyncio.create_task(Server(f"127.0.0.1:{number}", lambda _: Response(200), told.append).run())
        async with asyncio.timeout(10):
            while len(told) < 2:
                await asyncio.sleep(0.01)
    await until_listening(told)
    assert str(told[0]).startswith(f"cannot listen on 127.0.0.1:{number} (")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
