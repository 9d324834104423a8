"""The axes of the accuracy table: one impairment each, from its easy end outwards, everything else as in `BASE`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

import numpy as np

from .line import Line
from .network import Network
from .panel import Panel
from .sounds import DIAL_HZ


@dataclass(frozen=True)
class Call:
    """One call: who speaks, over what, through which packets."""

    panel: Panel = field(default_factory=Panel)
    line: Line = field(default_factory=Line)
    network: Network = field(default_factory=Network)


PARTS = {
    known.name: part
    for part, of in (("panel", Panel), ("line", Line), ("network", Network))
    for known in dataclasses.fields(of)
}


def varied(call: Call, **changes: object) -> Call:
    """The same call with other values, each named as in `Panel`, `Line` or `Network`."""
    for name, value in changes.items():
        part = PARTS[name]
        call = dataclasses.replace(call, **{part: dataclasses.replace(getattr(call, part), **{name: value})})
    return call


BASE = Call()


@dataclass(frozen=True)
class Axis:
    """values  where it is measured; those on either side of `easy` are two ways outwards"""

    unit: str
    easy: float
    values: tuple[float, ...]
    call: Callable[[float, np.random.Generator], Call]

    def reach(self, percents: dict[float, float], target: float) -> str:
        """How far out at least `target` % were right, and at all values before: one way from the easy end, or two."""
        ends = []
        for side in (-1, 1):
            way = sorted((value for value in self.values if side * (value - self.easy) >= 0), key=lambda v: side * v)
            good = list(takewhile(lambda value: percents[value] >= target, way))
            if any(value != self.easy for value in way):
                ends.append(f"{good[-1]:g}" if good else "none")
        return " … ".join(ends)


def _axis(unit: str, easy: float, values: tuple[float, ...], name: str, **others: object) -> Axis:
    """An axis along one field."""
    return Axis(unit, easy, values, lambda value, _: varied(BASE, **{name: value}, **others))


def _percent(values: tuple[float, ...], **others: object) -> Axis:
    return Axis("%", 0, values, lambda value, _: varied(BASE, loss=value / 100, **others))


def _times(values: tuple[float, ...], name: str, **others: object) -> Axis:
    return Axis("times", 0, values, lambda value, _: varied(BASE, **{name: int(value)}, **others))


def _dial(value: float, random: np.random.Generator, kind: str) -> Call:
    modulated = " 16" if kind == "JP" and random.random() < 0.5 else ""
    return varied(BASE, dial_db=value, dial=kind + modulated)


def _japanese(twist_db: float, random: np.random.Generator) -> Call:
    """A legal unit at the limits of the ordinance (PB: on ≥ 50, pause ≥ 30, period ≥ 120 ms, ±1.5 %), and its line."""
    on = random.uniform(50, 90)
    return varied(
        BASE,
        on_ms=on,
        off_ms=max(30, 120 - on) + random.uniform(0, 40),
        level_dbm0=random.uniform(-24, -6),
        twist_db=twist_db,
        offset_percent=random.uniform(-1.5, 1.5),
        snr_db=random.uniform(20, 40),
    )


CODECS = {
    "GSM 06.10": ("gsm",),
    "G.729A": ("g729",),
    "A-law": ("a",),
    "three G.711 in tandem": ("mu", "a", "mu"),
    **{f"G.726-{rate}": ("mu", f"g726-{rate}") for rate in (40, 32, 24, 16)},
}
CASES = (
    varied(
        BASE, on_ms=45, off_ms=45, twist_db=-6, offset_percent=1, level_dbm0=-25, snr_db=20, loss=0.01, fill="repeat"
    ),
    varied(BASE, on_ms=40, off_ms=40, codecs=("g726-32",), hum_db=-6, echo_db=-12, echo_ms=20),
    varied(BASE, codecs=("gsm",), snr_db=15, twist_db=-4),
    varied(BASE, snr_db=12, loss=0.02),
    varied(BASE, level_dbm0=-35, snr_db=14, offset_percent=-1.5, twist_db=-7),
    varied(BASE, doubles=1, drops=1, snr_db=18, echo_db=-15, echo_ms=30),
)

SNR = (20, 15, 12, 11, 10, 8, 6, 4, 2, 0, -2, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13)
TIMES_MS = (120, 80, 60, 50, 45, 40, 36, 34, 32, 30, 28, 26, 24, 22, 20)
HUM = (-20, -15, -12, -10, -8, -6, -3, 0, 3, 6, 10, 15)
OFFSET = (-4, -3.5, -3, -2.5, -2, -1.8, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 1.8, 2, 2.5, 3, 3.5, 4)
LOSS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10)

AXES: dict[str, Axis] = {
    "snr": _axis("dB", 20, SNR, "snr_db"),
    "snr, 40/40 ms": _axis("dB", 20, SNR, "snr_db", on_ms=40, off_ms=40),
    "snr, with a repeat": _axis("dB", 20, SNR, "snr_db", sends=2),
    "snr, pink noise": _axis("dB", 20, SNR, "snr_db", colour="pink"),
    "snr, brown noise": _axis("dB", 20, SNR, "snr_db", colour="brown"),
    "level": _axis("dBm0", -10, (3, 0, -3, -5, -10, -20, -25, -30, -35, -40, -42, -45, -48, -51), "level_dbm0"),
    "twist": _axis(
        "dB", 0, (-20, -16, -14, -12, -11, -10, -8, -7, -6, -4, 0, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24), "twist_db"
    ),
    "offset": _axis("%", 0, OFFSET, "offset_percent"),
    "offset, low tone": _axis("%", 0, OFFSET, "low_percent"),
    "offset, high tone": _axis("%", 0, OFFSET, "high_percent"),
    "tone = pause": Axis("ms", 120, TIMES_MS, lambda value, _: varied(BASE, on_ms=value, off_ms=value)),
    "tone alone": _axis("ms", 120, TIMES_MS, "on_ms"),
    "pause alone": _axis("ms", 120, (*TIMES_MS, 18, 17, 16, 15, 12, 10), "off_ms"),
    "jitter": _axis("±ms", 0, (2, 4, 6, 8, 10, 12, 15), "jitter_ms"),
    "wander": _axis("±ms", 0, (2, 4, 6, 8, 10, 12, 15), "wander_ms"),
    "ramp": _axis("ms", 0, (2, 5, 8, 12, 16, 20), "ramp_ms"),
    "clicks of switching": _axis("dB", -20, (-20, -10, 0, 6, 10, 15), "click_db"),
    "impulses, 10 a second": _axis("dB", -20, (-20, -10, 0, 6, 10, 15, 20), "clicks_db", clicks=10),
    "loss, silence": _percent(LOSS),
    "loss, silence, told": _percent(LOSS, told=True),
    "loss, repeat": _percent(LOSS, fill="repeat"),
    "loss, repeat, told": _percent(LOSS, fill="repeat", told=True),
    "loss, noise": _percent(LOSS, fill="noise"),
    "loss, bursts of 3, repeat": _percent(LOSS, fill="repeat", burst=3),
    "loss, bursts of 3, repeat, told": _percent(LOSS, fill="repeat", burst=3, told=True),
    "20 ms dropped": _times((1, 2, 3, 4), "drops"),
    "20 ms doubled": _times((1, 2, 3, 4), "doubles"),
    "slips": _times((1, 3, 5, 10, 20, 40), "slips"),
    "jitter buffer, 10-30 ms": _times((1, 2, 3, 4), "jumps"),
    "drift": _axis("ppm", 0, (-500, -200, -100, 0, 100, 200, 500), "drift_ppm"),
    **{
        f"echo {ms} ms": _axis("dB", -30, (-30, -20, -15, -12, -10, -8, -6, -4), "echo_db", echo_ms=ms)
        for ms in (5, 10, 20, 40, 60, 80, 120, 240)
    },
    **{f"hum {hz} Hz": _axis("dB", -20, HUM, "hum_db", hum_hz=hz) for hz in (50, 60)},
    **{f"dial tone {kind}": Axis("dB", -20, HUM, partial(_dial, kind=kind)) for kind in DIAL_HZ},
    "speech": _axis("dB", -20, (-20, -16, -13, -10, -7, -4, -2, 0, 3), "speech_db"),
    "music": _axis("dB", -20, (-20, -16, -13, -10, -7, -4, -2, 0, 3), "music_db"),
    "dc": Axis("%", 0, (1, 3, 10, 20), lambda value, _: varied(BASE, dc=value / 100)),
    "clipping": _axis("dBm0", 3, (3, -3, -6, -9, -12, -15, -20), "clip_dbm0"),
    "band 300-3400 Hz, snr": _axis("dB", 20, (20, 15, 12, 10, 6, 0), "snr_db", band=True),
    **{
        f"{name}, snr": _axis("dB", 60, (60, 30, 20, 15, 10, 5), "snr_db", codecs=chain)
        for name, chain in CODECS.items()
    },
    "Japanese unit, twist": Axis("dB", 0, (-6, -5, -3, 0, 3, 5, 6, 8), _japanese),
    "doubled digits, echo 60 ms": _axis("dB", -30, (-30, -20, -15, -10, -6), "echo_db", echo_ms=60, doubled=True),
    "D for ten, snr": _axis("dB", 20, (20, 10, 5, 0), "snr_db", ten_as_d=True),
    "own tones coming back, loss of": _axis(
        "dB", 40, (40, 30, 20, 10, 6), "return_db", messages=3, answered=True, level_dbm0=-16
    ),
    "case": Axis("", 0, tuple(range(1, len(CASES) + 1)), lambda value, _: CASES[int(value) - 1]),
}
