"""The outside watcher: reached over real HTTP, or not, and nothing here waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from receiver.health.heartbeat import Heartbeat


class Watcher(HTTPServer):
    """Answers with `status`, and remembers the paths."""

    status = 200
    paths: list[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.paths = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ping/7"


class Answering(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    one = Watcher()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.shutdown()
    thread.join()
    one.server_close()


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not ready():
            await asyncio.sleep(0.01)


async def test_a_beat_reaches_the_watcher(watcher: Watcher) -> None:
    heartbeat = Heartbeat(watcher.url, failed=2)
    heartbeat.beat()
    await until(lambda: heartbeat.sent == 1)
    assert (watcher.paths, heartbeat.failed) == (["/ping/7"], 0)


async def test_a_watcher_that_refuses_or_is_not_there_is_counted(watcher: Watcher) -> None:
    watcher.status = 503
    heartbeat = Heartbeat(watcher.url)
    heartbeat.beat()
    await until(lambda: heartbeat.failed == 1)
    assert "503" in heartbeat.why
    heartbeat.url = "http://127.0.0.1:1/"
    heartbeat.beat()
    await until(lambda: heartbeat.failed == 2)
    assert "refused" in heartbeat.why


async def test_one_that_hangs_holds_up_nothing_and_counts() -> None:
    hanging = threading.Event()
    heartbeat = Heartbeat("https://watcher.example", lambda url: hanging.wait(20) and None)
    heartbeat.beat()
    heartbeat.beat()
    heartbeat.beat()
    assert (heartbeat.failed, heartbeat.why) == (2, "the last one is still under way")
    hanging.set()
    await until(lambda: heartbeat.sent == 1)
    assert heartbeat.failed == 0
