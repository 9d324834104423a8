"""`yobirin doctor modem:…`: what one modem can do, what is wrong with it, and what to do about it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from receiver.commands.finding import Finding
from receiver.errors import BadInput

if TYPE_CHECKING:
    from drivers.modem.examination import Examination, Listened
    from drivers.modem.start import Ready

SLOW_MS: Final = 1000  # from a command to its answer: greeting and kiss-off would come late
DEAF_MS: Final = 300  # between hearing and playing
PLUG_IN: Final = "plug it in; `ls /dev/serial/by-id` shows lasting names"
RATE_ERROR: Final = 0.03
EVENTS: Final = {
    "d": "dial tone", "i": "dial tone", "b": "busy tone", "K": "busy tone", "q": "quiet", "s": "silence",
    "o": "receive overrun", "u": "transmit underrun", "l": "loop current break", "h": "handset on hook",
    "H": "handset off hook", "P": "parallel telephone off hook", "p": "parallel telephone on hook", "r": "ringback",
    "R": "ring", "c": "fax calling", "e": "data calling", "a": "answer tone", "L": "polarity reversal",
}  # fmt: skip


def examine_modem(name: str, *, listen: bool = True) -> list[Finding]:
    """Every finding about the modem of this name. Raises BadInput for a bad name."""
    from drivers import usb_ports
    from drivers.modem.examination import Examiner
    from drivers.modem.options import DEFAULTS, settings_of
    from drivers.registry import split_name

    try:
        scheme, address, options = split_name(name)
        if scheme != "modem":
            raise ValueError(f"{name}: only a modem can be examined, for example modem:/dev/ttyACM0")
        settings = settings_of(name, options)
    except ValueError as error:
        raise BadInput(f"doctor: {error}") from None
    values = {**DEFAULTS, **options}
    try:
        address = str(_path(address, options))
    except usb_ports.NotFound as error:
        return [Finding("wrong", "port", str(error), PLUG_IN)]
    examiner = Examiner(address, settings.wanted, baud=int(values["baud"]), speed=float(values["speed"]), listen=listen)

    async def look() -> Examination:
        return await examiner.run()

    seen = asyncio.run(look())
    return [*_port(address, seen), *findings(seen)]


def _path(address: str, options: dict[str, str]) -> Path:
    """Where the port is today. Raises usb_ports.NotFound."""
    from drivers import usb_ports
    from drivers.modem.port import USB

    serial = options.get("usb_serial") or (address.removeprefix(USB) if address.startswith(USB) else "")
    return usb_ports.find(serial).path if serial else Path(address)


def port_of(name: str) -> Finding:
    """Whether the port of a configured line is there and may be opened; it is not touched."""
    from drivers import usb_ports
    from drivers.registry import split_name

    _, address, options = split_name(name)
    try:
        path = _path(address, options)
    except usb_ports.NotFound as error:
        return Finding("wrong", name, str(error), PLUG_IN)
    if not path.exists():
        return Finding("wrong", name, "the device is not there", PLUG_IN)
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding("wrong", name, "this user may not open it", "add the user to the group dialout")
    return Finding("good", name, f"is there; `yobirin doctor {name}` looks at the modem itself")


def _port(address: str, seen: Examination) -> Iterator[Finding]:
    from drivers import usb_ports

    path = Path(address)
    if seen.cannot_open:
        users = _users_of(path)
        if "another process" in seen.cannot_open:
            who = f" (process {', '.join(map(str, users))})" if users else ""
            yield Finding("wrong", "port", seen.cannot_open + who, "stop the receiver first, or examine another line")
        elif "Permission" in seen.cannot_open:
            yield Finding("wrong", "port", seen.cannot_open, "add this user to the group dialout, then log in again")
        else:
            yield Finding("wrong", "port", seen.cannot_open, PLUG_IN)
        return
    usb = usb_ports.port_at(path)
    lasting = "/dev/serial/" in address or not path.resolve().name.startswith(("ttyACM", "ttyUSB"))
    if lasting:
        yield Finding("good", "port", f"{address} opens, for us alone")
    else:
        better = f"write modem:usb:{usb.serial}" if usb else "write its name under /dev/serial/by-id"
        says = f"{address} opens, but that name changes when a cable is pulled"
        yield Finding("note", "port", says, better)


def _users_of(path: Path) -> list[int]:
    """Processes that have the port open, as far as we may look."""
    real = str(path.resolve())
    folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdecimal()]
    return sorted(int(folder.name) for folder in folders if real in _open_files(folder / "fd"))


def _open_files(folder: Path) -> set[str]:
    files = set()
    with suppress(OSError):  # not ours, or gone meanwhile
        for link in folder.iterdir():
            with suppress(OSError):
                files.add(str(link.readlink()))
    return files


def findings(seen: Examination) -> Iterator[Finding]:
    """What an examination means. Pure."""
    if seen.cannot_open:
        return
    if seen.lost:
        yield Finding("wrong", "port", seen.lost, "see to cable, power supply and USB hub")
        return
    if seen.before:
        says = f"{seen.before} bytes within half a second before anybody asked"
        yield Finding(
            "wrong", "quiet", says, "is another device on this port, or a login (getty)? Switch the modem off"
        )
    yield from _answers(seen)
    if not any(one.result for one in seen.asked):
        return
    yield from _identity(seen)
    if seen.unable:
        yield Finding("wrong", "voice", seen.unable, _remedy(seen.unable))
    if seen.ready is not None:
        yield from _abilities(seen, seen.ready)
    yield from _line(seen)


def _answers(seen: Examination) -> Iterator[Finding]:
    first = seen.asked[0] if seen.asked else None
    silent = next((one for one in seen.asked if one.result is None), None)
    if first is None or first.result is None:
        if first is not None and first.lines:
            says = f"no OK to AT, but {first.lines[0][:40]!r}"
            yield Finding("wrong", "answers", says, "try another speed (?baud=115200); is this the right port?")
        else:
            do = "switch it on; is it a modem, and is this the right port? Then pull its power for ten seconds"
            yield Finding("wrong", "answers", "nothing answers to AT within 3 s", do)
        return
    if silent is not None:
        says = f"no answer to {silent.command} within 3 s"
        yield Finding("wrong", "answers", says, "pull its power for ten seconds; newer firmware, or another modem")
    times = sorted(one.ms for one in seen.asked if one.result is not None)
    middle, worst = times[len(times) // 2], times[-1]
    says = f"a command takes {middle:.0f} ms, at most {worst:.0f} ms"
    if middle > SLOW_MS:
        yield Finding("wrong", "answers", says, "too slow to kiss off in time: another modem, or no hub in between")
    else:
        yield Finding("good", "answers", says)
    if seen.echo:
        yield Finding("note", "echo", "our words come back in spite of ATE0", "nothing: they are dropped")
    if seen.numeric:
        yield Finding("note", "results", "in numbers in spite of ATV1", "nothing: they are understood")


def _identity(seen: Examination) -> Iterator[Finding]:
    said = []
    for command in ("AT+GMI", "AT+GMM", "ATI3", "ATI0"):
        answer = seen.answer_to(command)
        lines = answer.lines if answer is not None and answer.good else ()
        said += [line for line in map(_readable, lines) if line and line not in said]
    yield Finding("good", "identity", "; ".join(said[:4]) or "it does not say")


def _readable(line: str) -> str:
    return "".join(char for char in line if char.isascii() and char.isprintable())[:60]


def _remedy(reason: str) -> str:
    if "no voice mode" in reason:
        return "it is a data or fax modem: one with voice (V.253) is needed"
    if "off hook" in reason:
        return "pull its power for ten seconds; is a telephone beside it off the hook?"
    if "no sound that we can read" in reason:
        return "another modem; or, where its sound is one of ours by another name, ?coding=…"
    return "pull its power for ten seconds, then try again; ?dialect=… if it speaks another"


def _abilities(seen: Examination, ready: Ready) -> Iterator[Finding]:
    voice = seen.answer_to("AT+FCLASS=?")
    classes = f", classes {','.join(voice.lines)}" if voice is not None and voice.good else ""
    yield Finding("good", "voice", f"dialect {ready.dialect.name}{classes}")
    offered = seen.answer_to(ready.dialect.formats_query)
    lines = "; ".join(offered.lines) if offered is not None else ""
    if ready.format.coding.is_adpcm:
        says = f"{ready.format}: weaker than whole bytes, and a lost byte is never made good ({lines})"
        yield Finding("note", "sound", says, "a modem with µ-law or 8-bit linear sound is better")
    elif ready.format.rate_hz != 8000:
        yield Finding("good", "sound", f"{ready.format}, resampled ({lines})")
    else:
        yield Finding("good", "sound", f"{ready.format} of: {lines}")
    flow = [one for one in seen.asked if one.command in ("AT+IFC=2,2", "AT&K3", "AT&H1&R2")]
    if any(one.good for one in flow):
        yield Finding("good", "flow control", f"RTS/CTS ({next(one.command for one in flow if one.good)})")
    else:
        yield Finding("note", "flow control", "it knows none of AT+IFC, &K3, &H1", "bytes of sound may be lost")
    yield from _caller_id(seen, ready)
    if ready.tells_hook:
        yield Finding(
            "good", "hook", f"{ready.dialect.hook_query} tells it: a line held without a call is found in 10 s"
        )
    else:
        yield Finding("note", "hook", "it does not tell whether it holds the line", "call the line once a day")
    drop = seen.answer_to("AT&D2")
    if drop is not None and not drop.good:
        yield Finding("note", "DTR", "it refuses AT&D2", "when the receiver dies it may keep the line")


def _caller_id(seen: Examination, ready: Ready) -> Iterator[Finding]:
    on = next((one for one in seen.asked if one.command in ready.dialect.caller_id and one.good), None)
    japan = seen.answer_to("AT+VCDT=3")
    if on is None:
        yield Finding("note", "caller ID", "it reports no caller", "?caller_id_wait_s=0 answers without waiting for it")
    elif japan is not None and japan.good:
        yield Finding("good", "caller ID", f"{on.command}, and Number Display of Japan (AT+VCDT=3)")
    else:
        do = "on a line with Number Display in Japan use a modem that knows it, or a line without"
        yield Finding("note", "caller ID", f"{on.command}, but not that of Japan (AT+VCDT=3)", do)


def _line(seen: Examination) -> Iterator[Finding]:
    if seen.rang:
        yield Finding("note", "line", "it rings: somebody is calling", "start the receiver")
    if seen.listened is None:
        if seen.not_listened and not seen.rang:
            level = "note" if seen.not_listened == "as asked" else "wrong"
            do = "leave --on-hook away" if level == "note" else "pull its power for ten seconds"
            yield Finding(level, "line", f"not listened to: {seen.not_listened}", do)  # type: ignore[arg-type]
        return
    assert seen.ready is not None
    yield from _stream(seen.listened, seen.ready)
    yield from _sound(seen.listened, seen.ready)
    if seen.off_hook_after:
        yield Finding(
            "wrong", "hook", "it holds the line after it was told to hang up", "pull its power for ten seconds"
        )


def _stream(listened: Listened, ready: Ready) -> Iterator[Finding]:
    rate = len(listened.data) / listened.seconds / ready.format.bytes_a_second if listened.seconds else 0.0
    if not listened.data:
        yield Finding("wrong", "stream", "no sound comes", "pull its power for ten seconds; another modem")
    elif abs(rate - 1) > RATE_ERROR + 0.05 / listened.seconds:
        do = "RTS/CTS, the port's speed (?baud=230400), no hub; a USB adapter's latency timer at 1 ms"
        yield Finding("wrong", "stream", f"{rate:.0%} of the sound that is due", do)
    else:
        yield Finding("good", "stream", f"{rate:.0%} of the sound that is due")
    if listened.events["o"]:
        yield Finding("wrong", "stream", f"{listened.events['o']} overruns (DLE o)", "RTS/CTS, a faster port, no hub")
    told = ", ".join(f"{EVENTS.get(char, repr(char))} ×{n}" for char, n in sorted(listened.events.items()))
    yield Finding("good", "events", told or "none while listening")
    if listened.stop_ms is None:
        yield Finding("wrong", "stop", "it does not stop receiving when told to", "?dialect=… if it speaks another")
    elif listened.play_ms is None:
        yield Finding("wrong", "play", f"it takes no sound ({ready.dialect.transmit})", "greeting and kiss-off need it")
    else:
        deaf = listened.stop_ms + listened.play_ms
        says = f"deaf for {deaf:.0f} ms between hearing and playing, {listened.connect_ms:.0f} ms until it hears"
        if deaf > DEAF_MS:
            yield Finding("note", "switching", says, "the first digits behind a greeting may be missed")
        else:
            yield Finding("good", "switching", says)


def _sound(listened: Listened, ready: Ready) -> Iterator[Finding]:
    from drivers.modem.line_sound import likelier_coding, sound_of_line

    other = likelier_coding(ready.format.coding, listened.data)
    if other is not None:
        says = f"its {ready.format.coding.value} bytes are those of {other.value} sound"
        yield Finding("wrong", "sound", says, f"?coding={other.value}")
        return
    sound = sound_of_line(listened.pcm)
    if sound.dial_tone:
        yield Finding("good", "line", f"dial tone ({sound.dial_tone}), {sound.level_dbm0:.0f} dBm0")
    elif sound.is_silent:
        do = "is the line plugged in? A line simulator may give none; call it from another telephone"
        yield Finding("note", "line", f"silence ({sound.level_dbm0:.0f} dBm0), no dial tone", do)
    else:
        says = f"a sound of {sound.level_dbm0:.0f} dBm0 that is no dial tone"
        yield Finding("note", "line", says, "listen to the line with a telephone")
