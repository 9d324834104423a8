"""A model consumer: stores what Yobirin publishes, and says so only when it is on disk.

    python examples/mqtt_consumer.py --site kinokawa --name kanshi --store received.db

Four things make it one to rely on. It stores *before* it answers (SQLite, synchronous=FULL). Its
receipt is made of what it reads back from the store, so a receipt for anything else is impossible.
The same message twice is one row, and gets a second receipt: the first may have been lost. And its
session is persistent, so that the broker keeps what comes while it is away.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sqlite3
import sys

import aiomqtt


def open_store(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS message (n INTEGER PRIMARY KEY, id TEXT UNIQUE, seq INTEGER, topic TEXT, body TEXT)"
    )
    return db


def store(db: sqlite3.Connection, topic: str, payload: bytes) -> str:
    """Store a message, once; returns the receipt. ValueError for what is not one of Yobirin's messages."""
    body = payload.decode("utf-8")
    message = json.loads(body)
    try:
        identity, seq = str(message["id"]), int(message["seq"])
    except (KeyError, TypeError):
        raise ValueError("neither id nor seq") from None
    db.execute(  # committed, and synced, when this returns
        "INSERT INTO message (id, seq, topic, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (identity, seq, topic, body),
    )
    stored_seq, stored = db.execute("SELECT seq, body FROM message WHERE id = ?", (identity,)).fetchone()
    return json.dumps({"id": identity, "seq": stored_seq, "sha256": hashlib.sha256(stored.encode()).hexdigest()})


async def consume(arguments: argparse.Namespace) -> None:
    db = open_store(arguments.store)
    receipts = f"yobirin/{arguments.site}/receipt/{arguments.name}"
    client = aiomqtt.Client(
        arguments.host,
        arguments.port,
        identifier=f"consumer-{arguments.name}",
        clean_session=False,
        timeout=arguments.answer_s,
    )
    async with client:
        for wanted in arguments.wants:
            await client.subscribe(f"yobirin/{arguments.site}/{wanted}/+", qos=1)
        print("listening", flush=True)
        async for message in client.messages:
            try:
                receipt = store(db, str(message.topic), bytes(message.payload))
            except ValueError as error:
                print(f"{message.topic}: not stored: {error}", file=sys.stderr, flush=True)
                continue
            await client.publish(receipts, receipt, qos=1)
            print(receipt, flush=True)


async def forever(arguments: argparse.Namespace) -> None:
    """Connect again whenever the broker is back."""
    while True:
        try:
            await consume(arguments)
        except aiomqtt.MqttError as error:
            print(f"broker gone: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(arguments.retry_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--site", default="main")
    parser.add_argument("--name", required=True, help="as in [[mqtt.consumer]] name")
    parser.add_argument("--wants", nargs="+", default=["event", "case", "task"])
    parser.add_argument("--store", default="received.db")
    parser.add_argument("--retry-s", type=float, default=2.0, help="pause before connecting again")
    parser.add_argument("--answer-s", type=float, default=5.0, help="a broker that takes longer to answer is gone")
    try:
        asyncio.run(forever(parser.parse_args()))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
