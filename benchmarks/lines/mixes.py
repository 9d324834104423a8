"""Two mixes of whole calls, every impairment drawn from its own distribution, several at once.

`field`: calls as a receiving centre may get them. Who calls: Western panels, Japanese units, slow and hasty ones, some
with uneven firmware or an RC clock. Over what: copper with idle noise, cable slope, hum, hybrids that echo, G.711
mostly and seldom a mobile or compressed leg; packets that are mostly well. The receiver's own handshake and kiss-off
come back.

`hard`: the calls one is told about afterwards: long or wet lines, levels near the floor, noise close to the tones, echo
that is heard, somebody talking or a dial tone under the digits, compressed legs, packets lost in bursts, jitter buffers
at work. Seldom one thing alone.

The shares of each were set once so that spandsp 0.0.6 reads 75-80 % and 18-22 % of the frames (seed 1, 2000 calls
each), with no other decoder's figures in sight; `decoder_accuracy.py` prints that column in every run.
"""

from __future__ import annotations

import numpy as np

from .axes import BASE, Axis, Call, varied

Generator = np.random.Generator


def field(_: float, random: Generator) -> Call:
    """A plausible call."""
    changes = sender(random)
    changes |= {
        "level_dbm0": _about(random, -14, 5, -30, -4),
        "twist_db": changes["twist_db"] - random.uniform(0, 3),  # the cable weakens the high group
        "snr_db": random.uniform(24, 45) if random.random() < 0.7 else random.uniform(8, 24),
        "colour": random.choice(["white", "pink", "brown"], p=[0.6, 0.3, 0.1]),
        "band": random.random() < 0.6,
        "codecs": _codecs(random, compressed=0.12),
        "return_db": random.uniform(18, 45),
        "return_ms": random.uniform(5, 150),
        "answered": True,
        "messages": 1 + int(random.random() < 0.25),
    }
    if random.random() < 0.5:
        changes |= _echo(random, near_db=(-30, -10), far_db=(-45, -20))
    if random.random() < 0.3:
        changes |= {"hum_db": random.uniform(-35, -3), "hum_hz": random.choice([50, 60])}
    if random.random() < 0.02:
        changes |= {"dial_db": random.uniform(-30, -8), "dial": _dial(random)}
    if random.random() < 0.08:
        changes |= {"speech_db": random.uniform(-26, -4)}
    if random.random() < 0.01:
        changes |= {"music_db": random.uniform(-30, -6)}
    if random.random() < 0.15:
        changes |= {"clicks": random.uniform(0.3, 3), "clicks_db": random.uniform(-15, 8)}
    if random.random() < 0.45:
        changes |= _loss(random, 0.002, 0.03)
    if random.random() < 0.15:
        changes |= {"drift_ppm": random.uniform(-100, 100)}
    if random.random() < 0.15:
        changes |= {str(random.choice(["slips", "jumps", "drops", "doubles"])): 1}
    return varied(BASE, **changes)


def hard(_: float, random: Generator) -> Call:
    """A call over a bad line."""
    changes = sender(random)
    changes |= {
        "level_dbm0": _about(random, -24, 7, -42, -6),
        "twist_db": changes["twist_db"] - random.uniform(0, 6),
        "snr_db": random.uniform(14, 30) if random.random() < 0.3 else random.uniform(-2, 14),
        "colour": random.choice(["white", "pink", "brown"], p=[0.5, 0.35, 0.15]),
        "band": random.random() < 0.7,
        "codecs": _codecs(random, compressed=0.3),
        "return_db": random.uniform(10, 35),
        "return_ms": random.uniform(5, 250),
        "answered": True,
        "messages": 1 + int(random.random() < 0.25),
    }
    if random.random() < 0.6:
        changes |= _echo(random, near_db=(-25, -6), far_db=(-35, -12))
    if random.random() < 0.5:
        changes |= {"hum_db": random.uniform(-20, 6), "hum_hz": random.choice([50, 60])}
    if random.random() < 0.06:
        changes |= {"dial_db": random.uniform(-20, 3), "dial": _dial(random)}
    if random.random() < 0.15:
        changes |= {"speech_db": random.uniform(-20, -3)}
    if random.random() < 0.03:
        changes |= {"music_db": random.uniform(-20, -3)}
    if random.random() < 0.3:
        changes |= {"clicks": random.uniform(0.5, 8), "clicks_db": random.uniform(-10, 12)}
    if random.random() < 0.6:
        changes |= _loss(random, 0.005, 0.08)
    if random.random() < 0.25:
        changes |= {"drift_ppm": random.uniform(-200, 200)}
    if random.random() < 0.4:
        changes |= {str(random.choice(["slips", "jumps", "drops", "doubles"])): int(random.integers(1, 4))}
    return varied(BASE, **changes)


MIXES = {name: Axis("", 0, (0,), call) for name, call in (("field", field), ("hard", hard))}


def _about(random: Generator, mean: float, spread: float, least: float, most: float) -> float:
    return float(np.clip(random.normal(mean, spread), least, most))


def sender(random: Generator) -> dict[str, object]:
    """Who calls: a maker's timings, and how well the unit keeps them."""
    kind = random.choice(["western", "japanese", "slow", "hasty"], p=[0.55, 0.25, 0.1, 0.1])
    if kind == "western":  # Contact ID sheet: 50 … 60 ms each
        lengths = random.uniform(50, 60, 2)
        twist = _about(random, 0, 1.5, -4, 4)
    elif kind == "japanese":  # ordinance: on ≥ 50, pause ≥ 30, period ≥ 120 ms, high group 0 … 5 dB stronger
        on = random.uniform(50, 90)
        lengths = np.array([on, max(30, 120 - on) + random.uniform(0, 20)])
        twist = random.uniform(0, 5) if random.random() < 0.8 else random.uniform(-6, 0)  # not all are legal
    elif kind == "slow":  # BS 8521 and kin
        lengths = random.uniform(70, 120, 2)
        twist = _about(random, 0, 1.5, -4, 4)
    else:
        lengths = random.uniform(40, 50, 2)
        twist = _about(random, 0, 2, -4, 4)
    crystal = random.random() < 0.7
    return {
        "on_ms": float(lengths[0]),
        "off_ms": float(lengths[1]),
        "twist_db": float(twist),
        "offset_percent": _about(random, 0, 0.1, -0.3, 0.3) if crystal else random.uniform(-1.8, 1.8),
        "jitter_ms": random.uniform(0, 1.5),
        "wander_ms": random.uniform(2, 6) if random.random() < 0.1 else 0,
        "sway_db": random.uniform(0, 0.5),
        "ramp_ms": random.uniform(0, 4),
        "phase_zero": random.random() < 0.5,
        "click_db": random.uniform(-25, 3) if random.random() < 0.2 else None,
        "ten_as_d": random.random() < 0.05,
        "doubled": random.random() < 0.1,
    }


def _codecs(random: Generator, *, compressed: float) -> tuple[str, ...]:
    """G.711, sometimes in tandem; or a compressed leg, then G.711 to us."""
    law = "mu" if random.random() < 0.6 else "a"
    if random.random() < compressed:
        leg = random.choice(
            ["gsm", "g729", "g726-40", "g726-32", "g726-24", "g726-16"], p=[0.3, 0.3, 0.1, 0.2, 0.05, 0.05]
        )
        return law, str(leg), law
    return (law,) if random.random() < 0.8 else ("a", "mu", law)


def _dial(random: Generator) -> str:
    return str(random.choice(["JP", "JP 16", "US", "EU"], p=[0.4, 0.2, 0.2, 0.2]))


def _echo(random: Generator, *, near_db: tuple[float, float], far_db: tuple[float, float]) -> dict[str, object]:
    """A hybrid near the panel, or one at the far end of a network: the later, the weaker."""
    if random.random() < 0.7:
        return {"echo_ms": random.uniform(2, 30), "echo_db": random.uniform(*near_db)}
    return {"echo_ms": random.uniform(30, 240), "echo_db": random.uniform(*far_db)}


def _loss(random: Generator, least: float, most: float) -> dict[str, object]:
    """A share drawn by its logarithm, alone or in bursts, hidden in one way or another, known to us or not."""
    return {
        "loss": float(np.exp(random.uniform(np.log(least), np.log(most)))),
        "burst": int(random.choice([1, 2, 3], p=[0.7, 0.15, 0.15])),
        "fill": random.choice(["silence", "repeat", "noise"], p=[0.3, 0.5, 0.2]),
        "told": random.random() < 0.6,
    }
