"""What packets do to a call: lost and filled, dropped and doubled, slipped, stretched by a jitter buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoder.samples import Samples, Span

I16 = NDArray[np.int16]

PACKET = 160  # 20 ms


@dataclass(frozen=True)
class Network:
    """The packets between the gateway and us."""

    loss: float = 0  # share of packets
    burst: int = 1  # lost in a row
    fill: str = "silence"  # "repeat": the one before again, "noise": as loud as the pauses
    told: bool = False  # the decoder is handed the map of what was lost
    drops: int = 0  # a packet left out, the rest moved up; times a call
    doubles: int = 0  # a packet twice, the rest moved back
    slips: int = 0  # one sample left out or twice
    jumps: int = 0  # 10 … 30 ms left out or twice, by a jitter buffer


def carried(pcm: I16, network: Network, busy: tuple[int, int], random: np.random.Generator) -> Samples:
    """`pcm` as it arrives. What happens a number of times happens within `busy`, while the panel speaks."""
    pcm = _spliced(pcm, network, busy, random)
    if not network.loss:
        return Samples(0, pcm)
    pcm = np.array(pcm)
    packets = pcm[: len(pcm) // PACKET * PACKET].reshape(-1, PACKET)
    begun = np.flatnonzero(random.random(len(packets)) < network.loss / network.burst)
    gone = np.unique(begun[:, np.newaxis] + np.arange(network.burst))
    gone = gone[gone < len(packets)]
    if network.fill == "repeat":
        for packet in gone:
            packets[packet] = packets[packet - 1] if packet else 0
    elif network.fill == "noise":
        quiet = np.quantile(np.sqrt(np.mean(packets.astype(float) ** 2, axis=1)), 0.1)
        packets[gone] = np.rint(random.normal(0, max(quiet, 4), (len(gone), PACKET)))
    else:
        packets[gone] = 0
    spans = tuple(Span(int(packet) * PACKET, (int(packet) + 1) * PACKET) for packet in gone) if network.told else ()
    return Samples(0, pcm, spans)


def _spliced(pcm: I16, network: Network, busy: tuple[int, int], random: np.random.Generator) -> I16:
    first, last = busy

    def packet() -> int:
        return int(random.integers(first // PACKET, last // PACKET)) * PACKET

    cuts = [(packet(), PACKET) for _ in range(network.drops)]
    cuts += [(packet(), -PACKET) for _ in range(network.doubles)]
    cuts += [(int(random.integers(first, last)), int(random.choice([-1, 1]))) for _ in range(network.slips)]
    jumps = [int(random.choice([-1, 1])) * int(random.uniform(10, 30) * 8) for _ in range(network.jumps)]
    cuts += [(int(random.integers(first, last)), jump) for jump in jumps]
    for at, length in sorted(cuts, reverse=True):  # from behind, so that places stay true
        pcm = np.concatenate([pcm[:at], pcm[at + length :]])  # a negative length: what was played is played again
    return pcm
