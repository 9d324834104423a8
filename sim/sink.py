"""The other end of the outbox: a consumer that stores what is published and gives its receipt."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt


@dataclass(slots=True)
class Sink:
    """Subscribes to one site, appends every message to a file, then answers for it. `run` until cancelled."""

    port: int
    site: str
    name: str
    path: Path
    stored: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Raises aiomqtt.MqttError when the broker goes."""
        async with aiomqtt.Client("127.0.0.1", self.port, identifier=f"sink-{self.name}") as client:
            for kind in ("event", "case", "task"):
                await client.subscribe(f"yobirin/{self.site}/{kind}/+", qos=1)
            async for message in client.messages:
                receipt = self._store(bytes(message.payload).decode())
                await client.publish(f"yobirin/{self.site}/receipt/{self.name}", receipt, qos=1)

    def _store(self, body: str) -> str:
        message = json.loads(body)
        if message["id"] not in self.stored:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(body + "\n")
            self.stored[message["id"]] = body
        digest = hashlib.sha256(self.stored[message["id"]].encode()).hexdigest()
        return json.dumps({"id": message["id"], "seq": message["seq"], "sha256": digest})
