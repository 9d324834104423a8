"""The commands of the simulated modem, a table for each dialect: pattern behind AT → what it does. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from decoder.exchange import ToneStep
from decoder.synth import dtmf, steps
from drivers.modem.formats import Coding, SampleFormat
from sim.modem_settings import FORMATS

if TYPE_CHECKING:
    from sim.modem import VoiceModem

Action = Callable[["VoiceModem", "re.Match[str]"], None]
IDENTITY: Final = {
    "v253": "Yobirin simulated voice modem",
    "usr": "U.S. Robotics 56K Voice (simulated)",
    "rockwell": "RC288DPi simulated",
}


def never_answers(line: str) -> bool:
    """What no modem takes for a command: an escape, or what was left of an order to stop."""
    return not line.strip("+!\x10\x03\x18 ")


def _ok(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.answer("OK")


def _factory(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.factory()
    modem.answer("OK", wait_ms=100)


def _identity(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.answer(IDENTITY[modem.settings.dialect])
    modem.answer("OK")


def _echo_and_verbose(modem: VoiceModem, found: re.Match[str]) -> None:
    for letter, value in re.findall(r"([EVQ])([01]?)", found[0]):
        if letter == "E":
            modem.echo = value == "1"
        elif letter == "V":
            modem.verbose = value == "1"
    modem.answer("OK")


def _class(modem: VoiceModem, found: re.Match[str]) -> None:
    """+FCLASS or #CLS; 8 only where this dialect has its voice."""
    voice = (found[1] == "#CLS") == (modem.settings.dialect == "rockwell")
    known = ["0", "1", "8"] if voice else ["0", "1", "2"]
    if found[2] == "?":
        modem.answer(str(modem.voice_class))
    elif found[2] == "=?":
        modem.answer(",".join(known))
    elif found[2][1:] in known:
        modem.voice_class = int(found[2][1:])
        if modem.settings.dialect == "usr":
            modem.form = None  # it forgets
    else:
        modem.answer("ERROR")
        return
    modem.answer("OK")


def _vsm(modem: VoiceModem, found: re.Match[str]) -> None:
    offered = {number: FORMATS[number] for number in modem.settings.formats}
    if found[1] == "=?":
        for number, offer in offered.items():
            rates = ",".join(str(rate) for rate in offer.rates if rate in modem.settings.rates)
            modem.answer(f'{number},"{offer.name}",{offer.bits},0,({rates}),(0),(0)')
        modem.answer("OK")
        return
    form, rate = offered.get(int(found[2] or -1)), int(found[3] or 8000)
    good = form is not None and rate in form.rates and rate in modem.settings.rates and modem.voice_class == 8
    if not good or form is None or form.coding is None:
        modem.answer("ERROR")
        return
    modem.form = SampleFormat(int(found[2]), form.coding, rate)
    modem.answer("OK")


def _vls(modem: VoiceModem, found: re.Match[str]) -> None:
    if found[1] == "?":
        if not modem.settings.tells_hook:
            modem.answer("ERROR")
            return
        modem.answer('1,"T",08000000,0,0' if modem.off_hook else '0,"",08000000,0,0')
    elif found[1] == "=?":
        modem.answer('0,"",08000000,0,0')
        modem.answer('1,"T",08000000,0,0')
    elif found[1] not in ("=0", "=1", "=4") or modem.voice_class != 8:
        modem.answer("ERROR")
        return
    else:
        modem.hook(found[1] == "=1")
    modem.answer("OK", wait_ms=modem.settings.switch_ms)


def _hang_up(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.hook(False)
    modem.answer("OK", wait_ms=modem.settings.switch_ms)


def _off_hook(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.hook(True)
    modem.answer("OK", wait_ms=modem.settings.switch_ms)


def _pick_up(modem: VoiceModem, _: re.Match[str]) -> None:
    if not modem.line.rings:
        modem.answer("NO CARRIER")
        return
    modem.hook(True)
    modem.answer("VCON" if modem.voice_class == 8 else "CONNECT")


def _dial(modem: VoiceModem, found: re.Match[str]) -> None:
    modem.dial(re.sub("[^0-9*#]", "", found[1]))


def _vrx(modem: VoiceModem, _: re.Match[str]) -> None:
    from sim.modem import Mode

    modem.open_voice(Mode.RECEIVE)


def _vtx(modem: VoiceModem, _: re.Match[str]) -> None:
    from sim.modem import Mode

    modem.open_voice(Mode.TRANSMIT)


def _vts(modem: VoiceModem, found: re.Match[str]) -> None:
    parts = []
    for first, second, length, key in re.findall(r"\[(\d+),(\d+),(\d+)\]|([0-9*#A-D])", found[1]):
        if key:
            parts.append(dtmf(key, on_ms=70, off_ms=70))
        else:
            hz = tuple(float(value) for value in (first, second) if int(value))
            parts.append(steps((ToneStep(hz, int(length) * 10),)))
    if not parts or not modem.off_hook:
        modem.answer("ERROR")
        return
    modem.make_tones(np.concatenate(parts))


def _caller_id(modem: VoiceModem, found: re.Match[str]) -> None:
    if found[1] in ("?", "=?"):
        modem.answer("(0-2)")
    else:
        modem.caller_id = found[1] in "12"
    modem.answer("OK")


def _countries(modem: VoiceModem, _: re.Match[str]) -> None:
    modem.answer("(0-3)")
    modem.answer("OK")


def _rate(modem: VoiceModem, found: re.Match[str]) -> None:
    """#VSR: 8-bit linear at this rate, if the modem has it."""
    if found[1] == "?":
        modem.answer(",".join(str(rate) for rate in modem.settings.rates))
    elif int(found[1]) not in modem.settings.rates or modem.voice_class != 8:
        modem.answer("ERROR")
        return
    else:
        modem.form = SampleFormat(8, Coding.UNSIGNED, int(found[1]))
    modem.answer("OK")


_COMMON: Final[tuple[tuple[str, Action], ...]] = (
    (r"", _ok),
    (r"Z\d?|&F\d?", _factory),
    (r"(?:[EVQ][01]?)+", _echo_and_verbose),
    (r"I\d?|\+GM[IMR]", _identity),
    (r"(\+FCLASS)(\?|=\?|=\d+)", _class),
    (r"&[DK]\d", _ok),
    (r"D[TP]?([0-9*#,W]+);?", _dial),
    (r"H0?", _hang_up),
    (r"H1", _off_hook),
    (r"A", _pick_up),
)
_V253: Final[tuple[tuple[str, Action], ...]] = (
    (r"\+VSM(=\?|=(\d+)(?:,(\d+)(?:,\d+)*)?)", _vsm),
    (r"\+VLS(\?|=\?|=\d+)", _vls),
    (r"\+VRX(?:=\d+)?", _vrx),
    (r"\+VTX(?:=\d+)?", _vtx),
    (r"\+VTS=(.+)", _vts),
    (r"\+VCID=([012?])", _caller_id),
    (r"\+VCDT=\?", _countries),
    (r"\+(?:VCDT=[0-3]|VG[RT]=1[123]\d|VSD=\d+,\d+|VTD=\d+|VNH=[012]|VIT=\d+|VDR=.*|VPR=\d+)", _ok),
)
_ROCKWELL: Final[tuple[tuple[str, Action], ...]] = (
    (r"(#CLS)(\?|=\?|=\d+)", _class),
    (r"#VSR=(\?|\d+)", _rate),
    (r"#VRX", _vrx),
    (r"#VTX", _vtx),
    (r"#CID=([012?])", _caller_id),
    (r"#(?:VBS=8|VLS=0|VTD=.*|VSS=\d|VSP=\d+)", _ok),
)
_FLOW: Final[dict[str, str]] = {"v253": r"\+IFC=2,2", "usr": r"&H1&R2", "rockwell": r"&K3"}


def commands_of(dialect: str) -> tuple[tuple[str, Action], ...]:
    """The table of a dialect. ValueError for a name that is none."""
    if dialect not in IDENTITY:
        raise ValueError(f"dialect is {', '.join(IDENTITY)}, not {dialect!r}")
    return (*_COMMON, (_FLOW[dialect], _ok), *(_ROCKWELL if dialect == "rockwell" else _V253))
