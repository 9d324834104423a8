"""The mixture on which wrong frames are counted: every axis at and beyond its limits, often two at once.

The callers live in a town whose accounts come in clusters, one digit apart from a neighbour's, so that one digit
misheard is somebody else's alarm. The receiver knows every second one.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .axes import BASE, PARTS, Axis, Call, varied
from .mixes import sender

TOWN_SEED = 7


@cache
def town() -> tuple[tuple[str, ...], frozenset[str]]:
    """All accounts, and those the receiver knows: sixty clusters of about twenty; some in hex."""
    random = np.random.default_rng(TOWN_SEED)
    accounts: list[str] = []
    for cluster in range(60):
        digits = list("0123456789BCDEF" if cluster % 4 == 0 else "0123456789")
        centre = random.choice(digits, 4)
        for place in range(4):
            for digit in random.choice(digits, 5, replace=False):
                near = centre.copy()
                near[place] = digit
                accounts.append("".join(near))
    accounts = sorted(set(accounts))
    known = random.permutation(accounts)[: len(accounts) // 2]
    return tuple(accounts), frozenset(str(account) for account in known)


def troubled(axes: dict[str, Axis], random: np.random.Generator) -> tuple[str, float, Call]:
    """A caller from the town on some axis at some value; half with a second trouble, half with ways of their own."""
    name, value, call = _point(axes, random)
    if random.random() < 0.5:
        call = varied(call, **{part: given for part, given in _caller(random).items() if _free(call, part)})
    if random.random() < 0.5:
        other, amount, more = _point(axes, random)
        name, call = f"{name} + {other} {amount:g}", both(call, more)
    return name, value, varied(call, account=str(random.choice(town()[0])))


def _caller(random: np.random.Generator) -> dict[str, object]:
    """A sender as in the mixes, or one of any lengths between 28 and 120 ms."""
    if random.random() < 0.5:
        return sender(random)
    on, off = random.uniform(28, 120, 2)
    return sender(random) | {"on_ms": float(on), "off_ms": float(off)}


def both(call: Call, more: Call) -> Call:
    """`call` with everything in which `more` is not as usual."""
    changes = {name: getattr(getattr(more, part), name) for name, part in PARTS.items() if not _free(more, name)}
    return varied(call, **changes)


def _free(call: Call, name: str) -> bool:
    part = PARTS[name]
    return bool(getattr(getattr(call, part), name) == getattr(getattr(BASE, part), name))


def _point(axes: dict[str, Axis], random: np.random.Generator) -> tuple[str, float, Call]:
    name = list(axes)[random.integers(len(axes))]
    value = axes[name].values[random.integers(len(axes[name].values))]
    return name, value, axes[name].call(value, random)
