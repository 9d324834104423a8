"""The outputs as a process of their own: behind the intake's journal, whatever becomes of centre, rules and broker.

Each output is a task; a fault of ours in one, or a program that is down for weeks, is nothing to the others, and
nothing at all to the intake, whose journal is only read. A journal of our own that cannot store ends the process.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from receiver.clock import Clock
from receiver.config import Config
from receiver.errors import BadInput, NotStored
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.lock import holder
from receiver.journal.reader import Reader
from receiver.journal.store import Journal, Transaction
from receiver.output import projection
from receiver.output.asking import Again, parse
from receiver.output.conversation import Conversation
from receiver.output.opening import NAME, open_journal
from receiver.output.ports import check, port_of
from receiver.output.source import Source
from receiver.sockets import bound, tell, tell_service_manager

AGAIN_S: Final = 5.0
BEAT_S: Final = 2.0
GONE_S: Final = 15.0
"""An intake that holds its journal no more may be starting again: so long nothing is said."""
DATAGRAM_BYTES: Final = 200

Report = Callable[[str], None]


@dataclass(slots=True)
class Outputs:
    """All outputs of one installation. `run` serves until SIGTERM or until it must start again."""

    installation: Installation
    journal: Journal
    report: Report
    conversations: dict[str, Conversation]
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve; raises what must end the process."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        parts = [self._hear_wakes(), self._beat(), self._watch_intake()]
        parts += [self._keep(conversation) for conversation in self.conversations.values()]
        tasks = [loop.create_task(part) for part in parts]
        stopped = loop.create_task(self.stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopped}:
                ended.result()
        finally:
            tell_service_manager("STOPPING=1")
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            self.installation.wake_socket(NAME).unlink(missing_ok=True)

    async def _keep(self, conversation: Conversation) -> None:
        """One output, for ever. A fault in it is said, and it begins anew from what is on disk."""
        while True:
            try:
                await conversation.run()
            except NotStored:
                raise
            except Exception as error:
                name = conversation.config.name
                self.report(f"alarm: output {name}: failed: {type(error).__name__}: {error}; tried again")
            await asyncio.sleep(AGAIN_S)

    async def _beat(self) -> None:
        """A sign of life that a hung journal or event loop does not give (`sd_notify`)."""
        tell_service_manager("READY=1")
        while True:
            await asyncio.wrap_future(self.journal.submit(lambda _tx: None))
            tell_service_manager("WATCHDOG=1")
            await asyncio.sleep(BEAT_S)

    async def _watch_intake(self) -> None:
        """Whether there is an intake; a short while without is its own restart."""
        loop = asyncio.get_running_loop()
        seen_s = loop.time()
        while True:
            if holder(self.installation.intake / "writer") is not None:
                seen_s = loop.time()
            for conversation in self.conversations.values():
                conversation.intake_runs(loop.time() - seen_s < GONE_S)
            await asyncio.sleep(BEAT_S)

    async def _hear_wakes(self) -> None:
        """A datagram says: look now (from the intake), or: send this once more (from a command)."""
        path = self.installation.wake_socket(NAME)
        path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        with bound(path, socket.SOCK_DGRAM) as listening:
            listening.setblocking(False)
            while True:
                asked = parse(await loop.sock_recv(listening, DATAGRAM_BYTES))
                if asked is not None:
                    await self._again(asked)
                for conversation in self.conversations.values():
                    conversation.port.wake()

    async def _again(self, asked: Again) -> None:
        """Journalled first: the command that asked waits for it."""
        conversation = self.conversations.get(asked.output)
        if conversation is None:
            return
        committed = await asyncio.wrap_future(self.journal.submit(partial(wanted_again, asked)))
        if committed.value:
            conversation.again.append(asked.reception)
            self.report(f"output {asked.output}: reception {asked.reception} is sent once more")


def wanted_again(asked: Again, tx: Transaction) -> bool:
    """Journal that a refused message is to be sent once more; False if it is not a refused one, or is asked for."""
    found = tx.rows(projection.ONE_REFUSED, asked.output, asked.reception)
    if not found or found[0][0]:
        return False
    payload = {"output": asked.output, "reception": asked.reception}
    tx.append(Draft("output.again", payload, actor=asked.actor))
    return True


async def serve(installation: Installation, config: Config, clock: Clock, report: Report) -> None:
    """Open the outputs' journal and serve until told to stop. BadInput if there is nothing to serve, or it is wrong."""
    if not config.outputs:
        raise BadInput("no output is configured; write [[output]] with its uri (docs/reference/configuration.md)")
    check(config)
    loop = asyncio.get_running_loop()

    def mirror_lost(folder: Path, reason: str) -> None:
        loop.call_soon_threadsafe(report, f"alarm: mirror {folder}: {reason}; no second copy of `output` there")

    journal, lock = open_journal(installation, config.mirror, clock, mirror_lost)

    def noted(line: str) -> None:
        """A log that cannot be written stops nothing; an alarm is in our journal, and the centre looks there now."""
        with suppress(OSError, ValueError):
            report(line)
        if line.startswith("alarm:"):
            for other in installation.data.glob("*/wake.sock"):
                if other != installation.wake_socket(NAME):
                    tell(other, b"!")

    def conversation(name: str) -> Conversation:
        output = next(output for output in config.outputs if output.name == name)
        source = Source(installation.intake_db, lambda: Reader(installation.intake_db))
        own = installation.store_db(NAME)
        return Conversation(output, port_of(output), source, journal, lambda: Reader(own), clock, noted)

    try:
        conversations = {output.name: conversation(output.name) for output in config.outputs}
        await Outputs(installation, journal, noted, conversations).run()
    finally:
        with suppress(NotStored):
            journal.close()
        lock.release()
