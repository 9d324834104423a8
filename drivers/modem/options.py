"""What may stand behind the question mark of a modem's name, checked; and the line made of it."""

from __future__ import annotations

from typing import Final

from drivers.modem.dialects import by_name
from drivers.modem.dialogue import Dialogue, Settings
from drivers.modem.formats import Coding
from drivers.modem.port import USB, ModemLine
from drivers.modem.start import COUNTRIES, Wanted

DEFAULTS: Final = {
    "baud": "230400",
    "speed": "1",
    "caller_id_wait_s": "2.0",
    "caller_id": "japan",
    "tones": "sound",
    "dialect": "",
    "coding": "",
    "usb_serial": "",
    "usb_reset": "no",
}


def make(name: str, address: str, options: dict[str, str]) -> ModemLine:
    """A modem line from its configuration: `modem:/dev/ttyACM0?baud=115200&caller_id_wait_s=0`."""
    if unknown := sorted(set(options) - set(DEFAULTS)):
        raise ValueError(f"{name}: unknown option {unknown[0]!r} (known: {', '.join(DEFAULTS)})")
    values = {**DEFAULTS, **options}
    if values["usb_serial"]:
        address = USB + values["usb_serial"]
    if address == USB:
        raise ValueError(f"{name}: expected usb: and a serial number, for example modem:usb:000012345")
    try:
        return ModemLine(
            name, address, Dialogue(_settings(values)), baud=int(values["baud"]), speed=float(values["speed"])
        )
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None


def settings_of(name: str, options: dict[str, str]) -> Settings:
    """How to treat the modem of that name. Raises ValueError as `make` does."""
    make(name, "-", options)
    return _settings({**DEFAULTS, **options})


def _settings(values: dict[str, str]) -> Settings:
    one_of(values, "tones", ("sound", "modem"))
    one_of(values, "usb_reset", ("no", "yes"))
    one_of(values, "caller_id", tuple(COUNTRIES))
    if values["dialect"]:
        by_name(values["dialect"])
    if values["coding"]:
        one_of(values, "coding", tuple(coding.value for coding in Coding))
    wanted = Wanted(
        values["dialect"] or None, Coding(values["coding"]) if values["coding"] else None, values["caller_id"]
    )
    return Settings(
        caller_id_wait_s=float(values["caller_id_wait_s"]),
        own_tones=values["tones"] == "modem",
        wanted=wanted,
        usb_reset=values["usb_reset"] == "yes",
        patience=max(1.0, float(values["speed"])),
    )


def one_of(values: dict[str, str], key: str, known: tuple[str, ...]) -> None:
    """Raises ValueError unless the value is one of these."""
    if values[key] not in known:
        raise ValueError(f"{key} is {', '.join(known)}, not {values[key]!r}")
