"""Modem calls by formula: characters, and what line and network do to them. What is drawn comes from outside."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from lines.codecs import rounded, through
from lines.network import Network, carried

from decoder import fsk, uart
from decoder.fsk import Modem
from decoder.samples import RATE_HZ, Samples, peak_of

CLEAN = Network()


@dataclass(frozen=True)
class Call:
    """One transmission and its line. Levels are of one tone."""

    modem: Modem = fsk.BELL_103_1
    lead_ms: float = 80  # of mark
    level_dbm0: float = -14
    twist_db: float = 0  # mark minus space
    offset_percent: float = 0  # both tones
    clock_percent: float = 0  # the sender's bits
    snr_db: float = 40  # against white noise in 0 … 4 kHz
    echo_db: float | None = None
    echo_ms: float = 20
    hum_db: float | None = None  # 50 Hz against the signal
    codecs: tuple[str, ...] = ("mu",)
    network: Network = CLEAN


def varied(call: Call, **changes: object) -> Call:
    """The same call with other values; those of the network by their own names."""
    network = {name: value for name, value in changes.items() if name in Network.__dataclass_fields__}
    own = {name: value for name, value in changes.items() if name not in network}
    return dataclasses.replace(call, **own, network=dataclasses.replace(call.network, **network))


def sound_of(octets: bytes, call: Call, random: np.random.Generator) -> Samples:
    """Octets as they arrive, with 100 … 400 ms of line before and 300 ms behind."""
    modem = dataclasses.replace(call.modem, baud=call.modem.baud * (1 + call.clock_percent / 100))
    bits = uart.levels(octets, lead=max(round(call.lead_ms * modem.baud / 1000), 1), trail=2)
    wave = fsk.wave(
        bits,
        modem,
        level_dbm0=call.level_dbm0,
        offset_percent=call.offset_percent,
        twist_db=call.twist_db,
        phase=random.uniform(0, 2 * np.pi),
    )
    before = int(random.integers(RATE_HZ // 10, RATE_HZ * 4 // 10))
    # A fraction of a sample later: the sender's clock is not ours.
    late = random.uniform(0, 1)
    wave = np.interp(np.arange(len(wave) + 1) - late, np.arange(len(wave)), wave, left=0, right=0)
    sound = np.concatenate([np.zeros(before), wave, np.zeros(RATE_HZ * 3 // 10)])
    if call.echo_db is not None:
        delay = round(call.echo_ms * RATE_HZ / 1000)
        sound[delay:] += 10 ** (call.echo_db / 20) * sound[:-delay].copy()
    peak = peak_of(call.level_dbm0)
    if call.hum_db is not None:
        time = np.arange(len(sound)) / RATE_HZ
        sound += peak * 10 ** (call.hum_db / 20) * np.sin(2 * np.pi * 50 * time + random.uniform(0, 2 * np.pi))
    pcm = rounded(sound + random.normal(0, peak / np.sqrt(2) * 10 ** (-call.snr_db / 20), len(sound)))
    for codec in call.codecs:
        pcm = through(codec, pcm)
    return carried(pcm, call.network, (before, before + len(wave)), random)
