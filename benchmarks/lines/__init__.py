"""Telephone calls by formula: everything that happens to sixteen digits between a panel and us.

Written from the standards (Q.23, Q.24, DC-05, G.711, G.712, Japan's ordinance) and the physics of lines, not from the
decoder. Every number that is drawn comes from the generator handed in, so that a seed is a set of calls.

    from lines import draw
    keys, samples = draw("snr", -7, np.random.default_rng(1))
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from decoder.samples import Samples

from .axes import AXES, BASE, Call, varied
from .campaign import troubled
from .line import over
from .mixes import MIXES
from .network import carried
from .panel import raw_of, spoken

__all__ = [
    "AXES",
    "BASE",
    "EVERY",
    "MIXES",
    "Call",
    "Drawn",
    "anything",
    "draw",
    "drawn",
    "numbered",
    "placed",
    "raw_of",
    "varied",
]

EVERY = AXES | MIXES


@dataclass(frozen=True)
class Drawn:
    """One call as it arrives. messages: the keys of each different message in it, however often sent."""

    messages: tuple[str, ...]
    samples: Samples


def draw(name: str, value: float, random: np.random.Generator) -> tuple[str, Samples]:
    """The keys sent and the call as it arrives, of an axis at a value. Several messages have spaces between."""
    call = drawn(name, value, random)
    return " ".join(call.messages), call.samples


def drawn(name: str, value: float, random: np.random.Generator) -> Drawn:
    """The same with the messages apart."""
    return placed(EVERY[name].call(value, random), random)


def numbered(name: str, value: float, seed: int, number: int) -> Drawn:
    """Call `number` of a seed, whatever was drawn before it: how a report names one call."""
    return drawn(name, value, np.random.default_rng([seed, zlib.crc32(f"{name} {value:g}".encode()), number]))


def placed(call: Call, random: np.random.Generator) -> Drawn:
    """`call`, made."""
    said = spoken(call.panel, random)
    pcm = over(said, call.line, call.panel.level_dbm0, random)
    busy = (said.spans[0][0], min(said.spans[-1][1], len(pcm) - 480))
    return Drawn(said.messages, carried(pcm, call.network, busy, random))


def anything(seed: int, number: int) -> tuple[str, float, Drawn]:
    """Call `number` of the campaign for wrong frames: what is the matter with it, how much, and the call."""
    random = np.random.default_rng([seed, number])
    name, value, call = troubled(EVERY, random)
    return name, value, placed(call, random)
