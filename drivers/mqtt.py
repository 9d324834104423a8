"""One MQTT session: features of 3.1.1 at QoS 1, so that any broker serves.

A session begins with its last will in place and ends with `BrokerGone`; who wants to go on opens the
next one. Nothing is kept here between two sessions, and the broker is asked to keep nothing either
(clean session): what is owed stands in a journal, not in a client's memory.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiomqtt

AT_LEAST_ONCE: Final = 1
ANSWER_S: Final = 10.0  # CONNACK, SUBACK or PUBACK later than this: the broker is as good as gone
INBOUND_MAX: Final = 1_000  # messages waiting to be read; what overflows is sent again by whoever wants an answer

_silent = logging.getLogger("yobirin.mqtt")  # what matters is raised; the client's own chatter goes nowhere
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class BrokerGone(ConnectionError):
    """The session is over, or there was none; the text says why in plain words."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files (PEM). ca_file None: the system's authorities; cert_file and key_file: our own certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Checks the broker's certificate and name. Raises OSError, or ValueError, for files that are no such thing."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when we fall silent."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to connect and as whom. No two sessions may share `client_id` at the same time."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password_file: Path | None = None
    tls: Tls | None = None
    keepalive_s: int = 30
    in_flight: int = 20
    will: Will | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Connect; BrokerGone if that fails and when the session breaks."""
        try:
            async with self._client() as client:
                client.pending_calls_threshold = self.in_flight * 10
                yield Session(client)
        except aiomqtt.MqttError as error:
            raise BrokerGone(f"{self.host}:{self.port}: {error}") from None
        except OSError as error:
            if isinstance(error, BrokerGone):
                raise
            raise BrokerGone(f"{self.host}:{self.port}: {error.filename or ''} {error.strerror or error}") from None

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self.host,
            self.port,
            identifier=self.client_id,
            username=self.username,
            password=self._password(),
            tls_context=self.tls.context() if self.tls else None,
            keepalive=self.keepalive_s,
            clean_session=True,
            protocol=aiomqtt.ProtocolVersion.V311,
            max_inflight_messages=self.in_flight,
            max_queued_incoming_messages=INBOUND_MAX,
            timeout=ANSWER_S,
            logger=_silent,
            will=aiomqtt.Will(self.will.topic, self.will.payload, AT_LEAST_ONCE, retain=True) if self.will else None,
        )

    def _password(self) -> str | None:
        """The first line of the file, read anew for every session: a password may be changed under way."""
        if self.password_file is None:
            return None
        return self.password_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Session:
    """A connection that stands."""

    client: aiomqtt.Client

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns at the broker's PUBACK. BrokerGone if it does not come.

        What is published first is handed to the socket before this coroutine first waits: order holds.
        """
        try:
            await self.client.publish(topic, payload, AT_LEAST_ONCE, retain)
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from None

    async def subscribe(self, topic: str) -> None:
        """Returns at the broker's SUBACK. BrokerGone if it refuses."""
        try:
            granted = await self.client.subscribe(topic, AT_LEAST_ONCE)
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from None
        if any(int(str(getattr(code, "value", code))) >= 128 for code in granted):
            raise BrokerGone(f"the broker refuses us {topic}; let its access list allow it")

    async def inbound(self) -> AsyncIterator[tuple[str, bytes]]:
        """Topic and payload of what arrives, until the session ends (BrokerGone)."""
        try:
            async for message in self.client.messages:
                payload = message.payload
                yield str(message.topic), payload if isinstance(payload, bytes) else str(payload).encode()
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from None
