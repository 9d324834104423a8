"""From a reception in the intake's journal to a message at a real broker, through the real centre."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt

from receiver.centre.daemon import serve
from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.store import Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.scenario import Scenario

CALLER = "0775610000"


def receive(installation: Installation) -> None:
    keys = KeyRing.open(installation.intake_keys, installation_key(installation, create=True))
    store = Store(installation.intake_db, clock=SystemClock(), keys=keys)
    frame = {"call": "c1", "raw": "123418110101001B", "account": "1234", "code": "101", "caller_digest": "d1"}
    store.transact(
        lambda tx: tx.append(Draft("call.started", {"call": "c1"}, subject="c1", private={"caller": CALLER})),
        lambda tx: tx.append(Draft("frame.accepted", frame, subject="c1")),
    )
    store.close()


async def test_a_reception_is_published_as_event_and_case(
    mosquitto: Any, installation: Installation, scenario: Scenario, tmp_path: Path
) -> None:
    mosquitto.start()
    config = tmp_path / "yobirin.toml"
    config.write_text(f'site = "kinokawa"\n[mqtt]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n')
    said: list[str] = []
    centre = asyncio.create_task(serve(replace(installation, config=config), scenario, SystemClock(), said.append))
    heard: dict[str, dict[str, Any]] = {}
    try:
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client, asyncio.timeout(20):
            await client.subscribe("yobirin/kinokawa/#", qos=1)
            await asyncio.to_thread(receive, installation)
            async for message in client.messages:
                body = bytes(message.payload).decode()
                assert CALLER not in body
                value = json.loads(body)
                heard[value.get("type", "health")] = value
                assert str(message.topic).startswith(f"yobirin/kinokawa/{value.get('class', 'health')}/")
                if {"reception.followed", "case.opened"} <= set(heard):
                    break
    finally:
        centre.cancel()
        with suppress(asyncio.CancelledError):
            await centre
    assert heard["reception.followed"]["data"]["raw"] == "123418110101001B"
    assert heard["case.opened"]["data"]["case"] == 1
    assert heard["case.opened"]["seq"] > heard["reception.followed"]["seq"]
