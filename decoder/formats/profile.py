"""A terminal described in TOML, as a format: both directions (`docs/reference/profiles.md`).

    start | field | field | fixed | … | check | end        letters: keypad keys, characters of a modem, single tones

The table says how long each field is and which letters it may have, how the check is made, and what each of the
device's codes means to us (`profiles.py`); how a message is told from what is none is `profile_reading.py`. One without
a check is a frame when it was heard twice (`rounds.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np

from decoder import fsk, synth, uart
from decoder.exchange import Format, Message, Signal, ToneStep
from decoder.formats import pulse
from decoder.keypad import HIGH_HZ, LOW_HZ
from decoder.profile_reading import NEAR_HZ, Mapped, octet, raw, reader, summed
from decoder.profiles import Carrier, Field, Profile
from decoder.profiles import from_table as read_table
from decoder.samples import I16, from_ms

IDLE_S: Final = 0.3  # of mark before our own units' characters
UNSAID: Final = Message("", "")


def from_table(values: Mapping[str, object]) -> Format:
    """A profile as a format. Raises ValueError with one line that names the key, and the nearest known one."""
    return format_of(read_table(values))


def from_toml(text: str) -> Format:
    """The same from a file's text."""
    return from_table(tomllib.loads(text))


def format_of(profile: Profile) -> Format:
    """A profile as a format. Raises ValueError for a layout that no pulse format has."""
    if profile.pulsed is not None:
        return _of_pulses(profile)
    return Format(
        name=profile.name,
        greeting=profile.greeting,
        kiss_off=profile.acknowledgement,
        integrity=profile.check is not None,
        reader=partial(reader, profile),
        encode=partial(encode, profile),
        signals=_signals(profile),
        send=partial(send, profile),
    )


def _signals(profile: Profile) -> frozenset[Signal]:
    if profile.carrier is Carrier.KEYS:
        return frozenset({Signal.DTMF})
    if profile.modem is not None:
        family = profile.modem.modem.name.partition("-")[0]
        return frozenset({Signal(family)})
    keypad = (*LOW_HZ, *HIGH_HZ)
    tones = (profile.tones or {}).values()
    sequence = any(abs(one.hz - hz) <= NEAR_HZ * hz for one in tones for hz in keypad)
    return frozenset({Signal.SEQUENCE}) if sequence else frozenset()


def encode(profile: Profile, message: Message) -> str:
    """A message as the letters a unit sends, characters in hex. Raises ValueError for a field it cannot say."""
    return raw(profile, _text(profile, message))


def _text(profile: Profile, message: Message) -> str:
    said = {"account": message.account, "partition": message.partition, "zone": message.zone}
    said["code"] = next(
        (
            device_code
            for device_code, code in profile.codes.items()
            if (code.code, code.qualifier) == (message.code, message.qualifier)
        ),
        message.code,
    )
    parts = [(field, _letters(profile, field, said.get(field.name))) for field in profile.fields]
    if profile.check is not None:
        check = profile.check.letters(summed(profile, parts))
        parts = [(field, check if field.name == "check" else part) for field, part in parts]
    return profile.start + "".join(part for _, part in parts) + profile.end


def _letters(profile: Profile, field: Field, value: str | None) -> str:
    """What a unit puts into a field."""
    if field.value:
        return field.value
    filler = "0" if "0" in field.alphabet else min(field.alphabet)
    unsaid = value is None or (field.name in ("partition", "zone") and value == getattr(UNSAID, field.name))
    if value is None or (unsaid and len(value) != field.lowest):
        return filler * field.lowest
    part = bytes.fromhex(value).decode("latin-1") if field.hex else value
    if not field.lowest <= len(part) <= field.highest or set(part) - field.alphabet:
        raise ValueError(f"{profile.name}: {field.name} cannot be {value!r}")
    return part


def send(profile: Profile, message: Message) -> tuple[I16, ...]:
    """The sound of a message, as often as it must be heard. Raises ValueError like `encode`."""
    text = _text(profile, message)
    pause = np.zeros(from_ms(2 * profile.end_pause_ms), np.int16)
    sounds = [_sound(profile, text), pause] * profile.repeats
    return (np.concatenate(sounds[:-1]),)


def _sound(profile: Profile, text: str) -> I16:
    off_ms = sum(profile.off_ms) / 2 if profile.off_ms else min(80.0, profile.end_pause_ms / 2)
    if profile.modem is not None:
        octets = [octet(profile.modem, ord(letter)) for letter in text]
        idle = round(IDLE_S * profile.modem.modem.baud)
        return fsk.modulate(uart.levels(octets, lead=idle, trail=2), profile.modem.modem)
    if profile.tones is not None:
        steps: list[ToneStep] = []
        for letter in text:
            tone = profile.tones[letter]
            steps += [ToneStep((tone.hz,), min(sum(tone.ms) / 2, 2 * tone.ms[0] + 100)), ToneStep((), off_ms)]
        return synth.steps(steps)
    on_ms = sum(profile.on_ms) / 2 if profile.on_ms else 80.0
    return synth.dtmf(text, on_ms=on_ms, off_ms=off_ms)


def _of_pulses(profile: Profile) -> Format:
    """A pulse format by another name, with its own greeting, rate and codes."""
    pulsed = profile.pulsed
    assert pulsed is not None
    layouts = {layout.name.removeprefix("pulse-"): layout for layout in pulse.LAYOUTS}
    layout = layouts.get(pulsed.layout)
    if layout is None:
        raise ValueError(f"pulses.layout is {pulsed.layout!r}; there are {', '.join(layouts)}")

    def sounds(message: Message) -> tuple[I16, ...]:
        return pulse.send(layout, message, pps=pulsed.pps, hz=pulsed.hz)

    return Format(
        name=profile.name,
        greeting=profile.greeting,
        kiss_off=profile.acknowledgement,
        integrity=False,
        reader=lambda: Mapped(profile, pulse.Reader(layout, profile.name)),
        encode=partial(pulse.encode, layout),
        signals=frozenset({Signal.PULSES}),
        send=sounds,
    )
