"""The demonstration's embedded broker is a broker: it takes, gives, and goes away cleanly."""

from __future__ import annotations

import asyncio

import pytest

from drivers.mqtt import Broker, BrokerGone
from sim.broker import embedded_broker


async def test_it_serves_and_ends(capfd: pytest.CaptureFixture[str]) -> None:
    async with (
        embedded_broker() as port,
        Broker("127.0.0.1", port, "a").session() as ours,
        Broker("127.0.0.1", port, "b").session() as other,
    ):
        await other.subscribe("yobirin/+/case/+")
        await ours.publish("yobirin/main/case/x", b"{}")
        async for message in other.inbound():
            assert message == ("yobirin/main/case/x", b"{}")
            break
    with pytest.raises(BrokerGone):
        async with asyncio.timeout(5), Broker("127.0.0.1", port, "c").session():
            pass
    assert capfd.readouterr() == ("", "")
