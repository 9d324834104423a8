"""Where commands come in while the centre runs: one line of JSON each, over a Unix socket of this installation.

Who is there is said by the kernel, not by the sender. A command is answered after its commit.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from receiver.centre.command import BYTES_MAX, Command, own_actor, parse
from receiver.errors import RefusedByRule, YobirinError
from receiver.sockets import account_of, bound, peer_uid

LINE_S: Final = 10.0  # whoever has said nothing by then is cut off
WAITING: Final = 64


@dataclass(slots=True)
class Gate:
    """Listens at `path`; `carry_out` gives the reply or raises one of `receiver/errors.py`."""

    path: Path
    carry_out: Callable[[Command], Awaitable[dict[str, Any]]]

    async def serve(self) -> None:
        """Until cancelled. What a killed centre left at the path is cleared away first."""
        self.path.unlink(missing_ok=True)
        try:
            with bound(self.path, socket.SOCK_STREAM) as listening:
                listening.listen(WAITING)
                server = await asyncio.start_unix_server(self._visit, sock=listening, limit=BYTES_MAX)
                async with server:
                    await server.serve_forever()
        finally:
            self.path.unlink(missing_ok=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(LINE_S):
                line = await reader.readline()
            reply = await self._answer(line, peer_uid(writer.get_extra_info("socket")))
            writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ValueError, OSError):
            pass  # whoever asked is gone or sends no line; nothing was promised
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes, uid: int) -> dict[str, Any]:
        try:
            return {"ok": await self.carry_out(own_actor(parse(line), account_of(uid)))}
        except RefusedByRule as refused:
            return {"refused": {"clause": refused.clause, "reason": refused.reason, "details": list(refused.details)}}
        except YobirinError as error:
            return {"error": {"message": str(error), "exit_code": error.exit_code, "details": list(error.details)}}
