"""Counted pulses: double rounds read right against white noise and lost packets, and what listening costs.

    python -m benchmarks.pulses [--trials 100] [--seed 1]

No public decoder of pulse formats is known to us, so there is no peer in this run.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from decoder.formats import pulse
from decoder.frame import Frame
from decoder.pulses import Pulses
from decoder.samples import I16, Samples, Span, peak_of
from decoder.symbols import Gap, Symbol

RATES = (10, 20, 40)
SNR_DB = (6, 4, 3, 2, 1, 0)
LOSS_PERCENT = (0.2, 1, 2)
LAYOUT = pulse.LAYOUTS[2]  # 4+2


def heard(sound: I16, lost: list[Span]) -> list[Symbol]:
    """Pulses and losses, in order."""
    listener = Pulses()
    symbols = listener.feed(Samples(0, sound, tuple(lost))) + listener.finish()
    return sorted([*symbols, *(Gap(one.start, one.end) for one in lost)], key=lambda one: one.end)


def frames(symbols: list[Symbol]) -> list[str]:
    """What a reader of 4+2 makes of them."""
    reader = pulse.Reader(LAYOUT, LAYOUT.name)
    results = [result for symbol in symbols for result in reader.hear(symbol)] + reader.tick(1 << 40)
    return [result.raw for result in results if isinstance(result, Frame)]


def message(random: np.random.Generator, pps: float) -> tuple[str, I16]:
    """Six digits, and a double round of them with a tone and a duty nobody chose."""
    text = "".join(random.choice(list("0123456789BCDEF"), 6))
    made = pulse.sound([text] * 2, pps=pps, hz=random.uniform(1720, 1980), on_share=random.uniform(0.42, 0.58))
    pause = np.zeros(4_000, np.int16)
    return text, np.concatenate([pause, made, pause])


def noisy(sound: I16, snr_db: float, random: np.random.Generator) -> I16:
    """White noise in 4 kHz, so many dB below a pulse at −10 dBm0."""
    noise = random.normal(0, peak_of(-10 - snr_db) / np.sqrt(2), len(sound))
    return np.clip(np.rint(sound + noise), -32768, 32767).astype(np.int16)


def losses(sound: I16, percent: float, random: np.random.Generator) -> list[Span]:
    """Packets of 20 ms that never came; what stands there is silence."""
    starts = np.flatnonzero(random.random(len(sound) // 160) < percent / 100) * 160
    for start in starts:
        sound[start : start + 160] = 0
    return [Span(int(start), int(start) + 160) for start in starts]


def score(trials: int, seed: int, pps: float, snr_db: float, loss: float) -> tuple[int, int]:
    """Messages read right, and frames that nobody sent."""
    random = np.random.default_rng(seed)
    right = wrong = 0
    for _ in range(trials):
        text, sound = message(random, pps)
        sound = noisy(sound, snr_db, random)
        found = frames(heard(sound, losses(sound, loss, random)))
        right += found == [text]
        wrong += sum(one != text for one in found)
    return right, wrong


def cost(sound: I16) -> float:
    """Channel-seconds a CPU-second, fed every 20 ms."""
    listener = Pulses()
    began = time.process_time()
    for start in range(0, len(sound), 160):
        listener.feed(Samples(start, sound[start : start + 160]))
    return len(sound) / 8_000 / (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = sent = 0
    print(f"4+2 in double rounds, % read right of {options.trials} a point, seed {options.seed}")
    for what, points in (("SNR, dB", SNR_DB), ("lost, %", LOSS_PERCENT)):
        print(f"\n{what:10}" + "".join(f"{point:>8}" for point in points))
        for pps in RATES:
            row = []
            for point in points:
                snr, loss = (point, 0.0) if points is SNR_DB else (20.0, point)
                right, bad = score(options.trials, options.seed, pps, snr, loss)
                row.append(100 * right / options.trials)
                wrong, sent = wrong + bad, sent + options.trials
            print(f"{pps:>3} pps    " + "".join(f"{one:8.1f}" for one in row))
    print(f"\nframes that nobody sent: {wrong} of {sent} messages")
    random = np.random.default_rng(options.seed)
    speech_like = random.normal(0, 1_000, 8_000 * 60).astype(np.int16)
    print(f"channel-seconds a CPU-second: silence {cost(np.zeros(8_000 * 60, np.int16)):.0f}, ", end="")
    print(f"noise {cost(speech_like):.0f}")


if __name__ == "__main__":
    main()
