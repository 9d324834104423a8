"""Telling an outside watcher that all is well: it raises the alarm when we fall silent, for then we cannot.

One request a beat, by a thread of its own: a name server may hang for minutes, and nothing here waits for it.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 4_096
AGENT: Final = "yobirin"


def push(url: str) -> None:
    """One GET; raises OSError or ValueError if the watcher does not say that it has it (any 2xx)."""
    request = urllib.request.Request(url, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            answer.read(ANSWER_BYTES_MAX)
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"it answers {error.code}") from error
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP: {type(error).__name__}") from error


@dataclass(slots=True)
class Heartbeat:
    """`beat` every so often, while ready. failed: in a row; why: of the last one that failed."""

    url: str
    send: Callable[[str], None] = push
    failed: int = 0
    why: str = ""
    sent: int = 0
    _under_way: bool = False

    def beat(self) -> None:
        """Send one, unless one is still under way: that is a failure too."""
        if self._under_way:
            self._ended("the last one is still under way")
            return
        self._under_way = True
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._push, args=(loop,), name="heartbeat", daemon=True).start()

    def _push(self, loop: asyncio.AbstractEventLoop) -> None:
        why: str | None = None
        try:
            self.send(self.url)
        except Exception as error:  # whatever the network has thought of
            why = str(error) or type(error).__name__
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(self._back, why)

    def _back(self, why: str | None) -> None:
        self._under_way = False
        self._ended(why)

    def _ended(self, why: str | None) -> None:
        if why is None:
            self.failed, self.why, self.sent = 0, "", self.sent + 1
        else:
            self.failed, self.why = self.failed + 1, why[:200]
