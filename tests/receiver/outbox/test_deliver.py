"""The outbox against a real broker: killed in mid-flight, away, and with consumers that fail in every way."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from receiver.centre.outward import deliverer
from receiver.config import Config, ConsumerConfig, MqttConfig
from receiver.journal.reader import Reader
from receiver.outbox.receipts import Refusal
from receiver.outbox.rows import digest

MODEL = Path(__file__).parents[3] / "examples" / "mqtt_consumer.py"
CANARY = "紀の川花子"


def config(port: int, *consumers: ConsumerConfig) -> Config:
    return Config(Path("unused"), mqtt=MqttConfig("127.0.0.1", port, consumers=consumers))


@asynccontextmanager
async def model_consumer(port: int, store: Path) -> AsyncIterator[None]:
    """`examples/mqtt_consumer.py` as a process of its own, listening."""
    arguments = ["--port", str(port), "--name", "kanshi", "--store", str(store), "--retry-s", "0.1", "--answer-s", "1"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(MODEL), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"listening\n"
        draining = asyncio.create_task(process.stdout.read())
        yield
        draining.cancel()
    finally:
        process.kill()
        await process.wait()


def stored(store: Path) -> list[dict[str, Any]]:
    """What the model consumer has, in the order in which it stored it."""
    with sqlite3.connect(store) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT body FROM message ORDER BY n")]


def in_order_per_case(messages: list[dict[str, Any]]) -> bool:
    last: dict[int, int] = {}
    for message in messages:
        case = message["data"]["case"]
        if last.get(case, 0) > message["seq"]:
            return False
        last[case] = message["seq"]
    return True


async def test_everything_reaches_the_model_consumer_in_order_per_case(
    mosquitto: Any, house: Any, until: Any, tmp_path: Path
) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi", alarm_after_s=86_400)))
    for n in range(60):
        home.happen(("case.state", {"case": n % 7, "state": f"S{n}"}), private={"words": CANARY})
    async with model_consumer(mosquitto.port, tmp_path / "received.db"), home.delivering():
        await until(lambda: home.open_rows() == 0)
        home.happen(("alert.raised", {"case": 1, "level": 2, "text_key": "unattended"}))
        await until(lambda: home.open_rows() == 0)
    messages = stored(tmp_path / "received.db")
    assert sorted(message["seq"] for message in messages) == sorted(e["about"] for e in home.events("outbox.queued"))
    assert in_order_per_case(messages)
    assert CANARY not in json.dumps(messages, ensure_ascii=False)
    assert len(home.events("outbox.received")) == 61
    assert home.events("outbox.alarm") == []


async def test_a_broker_killed_in_mid_flight_loses_nothing(
    mosquitto: Any, house: Any, until: Any, tmp_path: Path
) -> None:
    mosquitto.start()  # without persistence: what it had acknowledged dies with it
    home = house(config(mosquitto.port, ConsumerConfig("kanshi")))
    store = tmp_path / "received.db"
    async with model_consumer(mosquitto.port, store), home.delivering():
        for kill in range(2):
            for n in range(50):
                home.happen(("case.state", {"case": n % 5, "state": f"{kill}.{n}"}))
            await until(lambda kill=kill: len(home.events("outbox.received")) > 50 * kill + 5)
            mosquitto.kill()
            mosquitto.start()
        await until(lambda: home.open_rows() == 0, 40)
    messages = stored(store)
    assert len(messages) == 100
    assert in_order_per_case(messages)
    assert len(home.events("outbox.received")) == 100


async def test_a_broker_that_is_away_means_one_alarm_and_nothing_lost(
    mosquitto: Any, house: Any, until: Any, tmp_path: Path
) -> None:
    mosquitto.start()
    mosquitto.kill()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi", alarm_after_s=60)))
    async with home.delivering():
        home.happen(*(("case.state", {"case": n % 100, "state": f"S{n}"}) for n in range(500)))
        await until(lambda: len(home.events("outbox.alarm")) == 1)
        mosquitto.start()
        async with model_consumer(mosquitto.port, tmp_path / "received.db"):
            await until(lambda: home.open_rows() == 0, 60)
            await until(lambda: len(home.events("outbox.healed")) == 1)
    assert len(home.events("outbox.alarm")) == 1
    assert in_order_per_case(stored(tmp_path / "received.db"))
    assert len(stored(tmp_path / "received.db")) == 500


@asynccontextmanager
async def scripted_consumer(
    port: int, answer: Callable[[dict[str, Any], int], list[tuple[str, str]]]
) -> AsyncIterator[list[str]]:
    """A consumer that answers the n-th message as told: a list of (topic, payload)."""
    heard: list[str] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            body = bytes(message.payload).decode()
            heard.append(body)
            for topic, payload in answer({**json.loads(body), "sha256": digest(body)}, len(heard)):
                await client.publish(topic, payload, qos=1)

    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("yobirin/main/case/+", qos=1)
        task = asyncio.create_task(listen(client))
        try:
            yield heard
        finally:
            task.cancel()


def receipt(message: dict[str, Any], **changed: Any) -> str:
    return json.dumps({key: message[key] for key in ("id", "seq", "sha256")} | changed)


async def test_a_consumer_whose_receipt_is_lost_gets_the_message_again(mosquitto: Any, house: Any, until: Any) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi")))
    answer = lambda message, n: [("yobirin/main/receipt/kanshi", receipt(message))] if n >= 2 else []  # noqa: E731
    async with scripted_consumer(mosquitto.port, answer) as heard, home.delivering():
        home.happen(("case.opened", {"case": 1}))
        await until(lambda: home.open_rows() == 0)
    assert len(heard) >= 2
    assert len(set(heard)) == 1


async def test_only_a_receipt_for_what_was_sent_counts(mosquitto: Any, house: Any, until: Any) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi")))
    base = "yobirin/main/receipt/"

    def answer(message: dict[str, Any], n: int) -> list[tuple[str, str]]:
        wrong = [
            (base + "kanshi", receipt(message, sha256="0" * 64)),
            (base + "kanshi", receipt(message, seq=message["seq"] + 1)),
            (base + "kanshi", receipt(message, id="ff" * 10)),
            (base + "stranger", receipt(message)),
            (base + "kanshi", "dispatch!"),
        ]
        if n == 1:
            return wrong
        return [(base + "kanshi", receipt(message))] * 2 if right.is_set() else []

    right = asyncio.Event()
    async with scripted_consumer(mosquitto.port, answer), home.delivering() as made:
        home.happen(("case.opened", {"case": 1}))
        await until(lambda: made.refused.total() == 5)
        assert home.open_rows() == 1
        right.set()
        await until(lambda: home.open_rows() == 0)
    assert made.refused == {Refusal.DIFFERENT: 2, Refusal.UNKNOWN: 1, Refusal.STRANGER: 1, Refusal.FORM: 1}
    assert len(home.events("outbox.received")) == 1, "the second receipt for the same is no second fact"


async def test_without_a_consumer_the_puback_ends_the_row(mosquitto: Any, house: Any, until: Any) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port))
    async with home.delivering():
        home.happen(("case.opened", {"case": 1}))
        await until(lambda: home.open_rows() == 0)
    assert len(home.events("outbox.sent")) == 1


async def test_a_consumer_that_is_no_longer_configured_owes_nothing(mosquitto: Any, house: Any, until: Any) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi")))
    home.happen(("case.opened", {"case": 1}))
    home.config = config(mosquitto.port)
    async with home.delivering():
        await until(lambda: home.open_rows() == 0)


async def test_whether_we_deliver_is_retained_at_the_broker(mosquitto: Any, house: Any, until: Any) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port))
    states: list[str] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            states.append(json.loads(bytes(message.payload))["state"])

    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("yobirin/main/health/centre", qos=1)
        task = asyncio.create_task(listen(client))
        async with home.delivering():
            await until(lambda: states == ["up"])
        await until(lambda: states == ["up", "stopped"])
        task.cancel()


async def test_a_restart_goes_on_from_the_journal(mosquitto: Any, house: Any, until: Any, tmp_path: Path) -> None:
    mosquitto.start()
    home = house(config(mosquitto.port, ConsumerConfig("kanshi")))
    async with home.delivering():  # nobody listens
        home.happen(("case.opened", {"case": 1}))
        await until(lambda: "outbox: connected to the broker" in home.said)
    async with model_consumer(mosquitto.port, tmp_path / "received.db"), home.delivering():
        await until(lambda: home.open_rows() == 0)
    assert len(stored(tmp_path / "received.db")) == 1


@pytest.mark.parametrize("fault", ["refused", "no such certificate"])
async def test_what_a_broker_can_do_wrong_never_ends_the_delivery(
    house: Any, until: Any, tmp_path: Path, fault: str
) -> None:
    mqtt = MqttConfig(
        "127.0.0.1", 1, tls=fault != "refused", ca_file=tmp_path / "none.pem" if fault != "refused" else None
    )
    home = house(Config(tmp_path, mqtt=mqtt))
    async with home.delivering():
        await until(lambda: any("no broker" in line for line in home.said))
        assert all("Traceback" not in line and "\n" not in line for line in home.said)


async def test_a_cancel_is_heard_though_something_woke_it_at_the_same_moment(house: Any, until: Any) -> None:
    home = house(config(1))
    made = deliverer(home.config, home.journal, lambda: Reader(home.path), home.clock, home.said.append)
    task = asyncio.create_task(made.run())
    await until(lambda: any("no broker" in line for line in home.said))
    made.wake.set()
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    task.cancel()
    assert done
    assert task.cancelled()
