"""The message that a row of digits most likely was: all digits at once, with check digit and structure.

Every message that the format allows is weighed against every other, and against "sixteen digits that are no message of
this kind": fifteen classes of sums are carried along the row, so that all messages are counted and none is tried.

    posterior = weight(best message) / (Σ weight(all messages) + Σ weight(all rows of keys))

A digit that the sound decides is never changed by that: a message that differs from it loses eight nats and more for
each. What check digit and structure can do is to fill in one that the sound leaves open, and to say that what was
heard is no message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from decoder.passband import F64, I64
from decoder.symbols import KEYS

NEVER: Final = -60.0
OTHER: Final = 1.0  # how likely other rows of digits are beforehand, against messages of this format


@dataclass(frozen=True, slots=True)
class Guess:
    """keys: the likeliest message, as DTMF keys; chance: 0..1, that it and nothing else was sent."""

    keys: str
    chance: float


def likeliest(likelihoods: F64, prior: F64, values: I64, modulus: int) -> Guess | None:
    """The likeliest row of keys whose values sum to 0 modulo `modulus`; None if none is possible.

    likelihoods : (n, 16), natural logs, in the order of `KEYS`
    prior       : (n, 16), natural logs, `NEVER` for what the format does not allow there; each row's exp sums to 1
    values      : (n, 16), of each key at each place
    """
    count = len(likelihoods)
    weight = likelihoods + prior
    top = weight.max(axis=1, keepdims=True)
    share = np.exp(weight - top)
    best = np.full(modulus, -np.inf)
    best[0] = 0.0
    total = np.zeros(modulus)
    total[0] = 1.0
    came = np.empty((count, modulus), np.int64)
    every = np.arange(modulus)
    for place in range(count):
        source = (every[:, None] - values[place][None, :]) % modulus
        ways = best[source] + weight[place]
        came[place] = ways.argmax(axis=1)
        best = ways[every, came[place]]
        total = (total[source] * share[place]).sum(axis=1)
    keys, rest = [], 0
    for place in reversed(range(count)):
        key = int(came[place, rest])
        if prior[place, key] <= NEVER:
            return None
        keys.append(KEYS[key])
        rest = (rest - int(values[place, key])) % modulus
    # Only one in `modulus` rows of keys has the right sum: messages are as likely beforehand as all others together.
    messages = float(np.log(total[0]) + top.sum() + np.log(modulus))
    others = float(np.log(np.exp(likelihoods).mean(axis=1)).sum() + np.log(OTHER))
    chance = float(np.exp(best[0] + np.log(modulus) - np.logaddexp(messages, others)))
    return Guess("".join(reversed(keys)), min(chance, 1.0))
