"""The unit as a process, against lines that are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from decoder.exchange import Message as Alarm
from decoder.formats.contact_id import FORMAT
from decoder.samples import from_ms
from decoder.synth import steps
from sim.dialler import Dialler, LineGone
from sim.panel import Finished, Note, Panel, PanelSettings
from sim.phone import Phone
from sim.wire import BLOCK, Kind, Message, Parser, block_of, numbers_of, sound

GREETING = np.concatenate([np.zeros(8000, np.int16), steps(FORMAT.greeting)])
KISS_OFF = steps(FORMAT.kiss_off)


async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(Message(Kind.BUSY).encode())
    writer.close()


async def dead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.close()


async def ideal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, and kisses off 200 ms after sixteen digits' time; one block at a time, as a modem does."""
    parser, at, first_sound = Parser(), 0, None
    says = GREETING
    caller: tuple[str | None, str | None] | None = None
    while True:
        for message in parser.feed(await reader.read(65_536)):
            if message.kind is Kind.SET_UP:
                caller = numbers_of(message)
                assert caller == ("0738230001", None)
                writer.write(Message(Kind.ANSWERED).encode())
            elif message.kind is Kind.HUNG_UP:
                writer.close()
                return
            elif first_sound is None and block_of(message).any():
                first_sound = at
                says = np.concatenate([says, np.zeros(at + from_ms(1750) - len(says), np.int16), KISS_OFF])
            block = np.zeros(BLOCK, np.int16)
            part = says[at : at + BLOCK]
            block[: len(part)] = part
            at += BLOCK
            writer.write(sound(block).encode())


async def dial(folder: Path, *scripts: Callable, redials: int = 0) -> tuple[Finished, list[Note]]:
    lines = [folder / str(number) for number in range(len(scripts))]
    servers = [await asyncio.start_unix_server(script, line) for script, line in zip(scripts, lines, strict=True)]
    alarm = Alarm("1234", "101", zone="001")
    settings = PanelSettings((alarm,), caller="0738230001", redials=redials, redial_after_s=0)
    phone = Phone(Panel(settings, FORMAT.encode), np.random.default_rng(1))
    notes: list[Note] = []
    try:
        async with asyncio.timeout(20):
            return await Dialler(phone, lines, speed=100, watch=notes.append).run(), notes
    finally:
        for server in servers:
            server.close()


async def test_a_busy_line_is_followed_by_the_next(tmp_path: Path) -> None:
    finished, notes = await dial(tmp_path, busy, ideal)
    assert finished == Finished(1, True)
    (kiss_off,) = (note for note in notes if note.what == "kiss_off")
    assert 100 < float(kiss_off.details["after_ms"]) < 400


async def test_all_busy_means_dialling_again(tmp_path: Path) -> None:
    finished, notes = await dial(tmp_path, busy, redials=3)
    assert finished == Finished(0, False)
    assert [note.details["call"] for note in notes if note.what == "dials"] == [1, 2, 3, 4]
    assert {note.details["reason"] for note in notes if note.what == "far_end_gone"} == {"busy"}


async def test_a_line_that_goes_dead(tmp_path: Path) -> None:
    finished, notes = await dial(tmp_path, dead)
    assert finished == Finished(0, False)
    assert notes[-1].details == {"reason": "the line went dead"}


async def test_no_line_at_all(tmp_path: Path) -> None:
    phone = Phone(Panel(PanelSettings(voice_s=1), FORMAT.encode), np.random.default_rng(1))
    with pytest.raises(LineGone, match="nowhere"):
        await Dialler(phone, [tmp_path / "nowhere"], speed=1, watch=lambda note: None).run()
