"""A few small answers over HTTP/1.1, on the loopback address: one request a connection, with a bound and a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from receiver.health.page import Response

REQUEST_BYTES_MAX: Final = 8_192
REQUEST_S: Final = 5.0
ANSWER_S: Final = 10.0  # whoever does not take it by then is cut off
AT_ONCE_MAX: Final = 32
AGAIN_S: Final = 5.0


@dataclass(slots=True)
class Server:
    """Answers at `address` (ADDRESS:PORT) until cancelled. A port that is in use is tried again, for ever.

    told: called with why it cannot be listened at, and with None once it can
    """

    address: str
    respond: Callable[[bytes], Response]
    told: Callable[[str | None], None]
    visitors: int = 0

    async def run(self) -> None:
        host, _, port = self.address.rpartition(":")
        while True:
            try:
                server = await asyncio.start_server(
                    self._visit, host.strip("[]"), int(port), limit=REQUEST_BYTES_MAX, reuse_address=True
                )
            except OSError as error:
                self.told(f"cannot listen on {self.address} ({error.strerror or error})")
                await asyncio.sleep(AGAIN_S)
                continue
            self.told(None)
            async with server:
                await server.serve_forever()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors += 1
        try:
            if self.visitors > AT_ONCE_MAX:
                return  # whoever floods us is not answered; our own work is not here
            answer = await self._answer(reader)
            if answer is not None:
                writer.write(answer.to_bytes())
                async with asyncio.timeout(ANSWER_S):
                    await writer.drain()
        except (TimeoutError, OSError):
            writer.transport.abort()
        finally:
            self.visitors -= 1
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Response | None:
        try:
            async with asyncio.timeout(REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            return None
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return Response(400, b"not a request\n")
        return self.respond(request)
