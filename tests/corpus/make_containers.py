"""Writes `wav/` and `pcap/`: the same few digits in every container and coding that `decode` reads.

    python -m tests.corpus.make_containers

The files are kept because what a released version could read must stay readable; the digits and their noise come from
fixed seeds, so that running this again gives the same octets.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from decoder import synth
from decoder.g711 import encode_alaw, encode_ulaw
from decoder.samples import I16
from tests.captures import CENTRE, PANEL, PROXY, Capture, answer, bye, event, invite, rtp

HERE = Path(__file__).parent
KEYS = "159D*0#"


def sound(rate: int = 8000) -> np.ndarray:
    """The keys in a little noise; float, full scale ±1."""
    pcm = np.concatenate([np.zeros(400), synth.dtmf(KEYS).astype(float), np.zeros(400)]) / 32768
    times = np.arange(len(pcm) * rate // 8000) * 8000 / rate
    noise = np.random.default_rng(1).normal(0, 0.0005, len(times))
    return np.interp(times, np.arange(len(pcm)), pcm) + noise


def pcm16(values: np.ndarray) -> I16:
    return np.rint(values * 32767).astype("<i2")


CODINGS: dict[str, tuple[int, int, int, int, Callable[[np.ndarray], np.ndarray]]] = {
    # name: tag, bits, channels, rate, coded
    "pcm8": (1, 8, 1, 8000, lambda v: (np.rint(v * 127) + 128).astype(np.uint8)),
    "pcm16": (1, 16, 1, 8000, pcm16),
    "pcm24": (1, 24, 1, 8000, lambda v: np.rint(v * 8388607).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]),
    "pcm32": (1, 32, 1, 8000, lambda v: np.rint(v * 2147483647).astype("<i4")),
    "float32": (3, 32, 1, 8000, lambda v: v.astype("<f4")),
    "float64": (3, 64, 1, 8000, lambda v: v.astype("<f8")),
    "alaw": (6, 8, 1, 8000, lambda v: encode_alaw(pcm16(v))),
    "ulaw": (7, 8, 1, 8000, lambda v: encode_ulaw(pcm16(v))),
    "stereo-right": (1, 16, 2, 8000, lambda v: np.stack([np.zeros(len(v), "<i2"), pcm16(v)], axis=1)),
    "rate-11025": (1, 16, 1, 11025, pcm16),
    "rate-44100": (1, 16, 1, 44100, pcm16),
    "rate-192000": (1, 16, 1, 192000, pcm16),
}


def wav(name: str) -> bytes:
    tag, bits, channels, rate, coded = CODINGS[name]
    octets = np.ascontiguousarray(coded(sound(rate))).tobytes()
    align = bits // 8 * channels
    form = struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * align, align, bits)
    chunks = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(octets)) + octets
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def call(*, law: str = "ulaw", sip: bool = True, events: bool = False, drop: frozenset[int] = frozenset()) -> Capture:
    capture = Capture()
    if sip:
        capture.udp(0, PANEL, PROXY, invite())
        capture.udp(40, PROXY, PANEL, answer())
        capture.udp(2000, PANEL, PROXY, bye())
    if events:
        for n, key in enumerate(KEYS):
            for k, end in enumerate([False, True, True, True]):
                payload = event("0123456789*#ABCD".index(key), 400, end=end)
                packet = rtp(4 * n + k, 400 + 800 * n, payload, kind=101, marker=not k)
                capture.udp(100 + 100 * n + 10 * k, PANEL, CENTRE, packet)
    else:
        capture.sound(pcm16(sound()), at_ms=100, law=law, drop=drop)
    return capture


CAPTURES: dict[str, tuple[Callable[[], bytes], str]] = {
    # name: octets, keys
    "sip-ulaw.pcap": (lambda: call().pcap(), KEYS),
    "sip-alaw.pcapng": (lambda: call(law="alaw").pcapng(resolution=9), KEYS),
    "rtp-only-big-endian.pcap": (lambda: call(sip=False).pcap(order=">"), KEYS),
    "events-only.pcap": (lambda: call(events=True).pcap(nanoseconds=True), KEYS),
    "lost-third-digit.pcap": (lambda: call(drop=frozenset(range(12, 16))).pcap(), KEYS.replace("9", "")),
}


def main() -> None:
    for name in CODINGS:
        _write(HERE / "wav" / f"{name}.wav", wav(name), KEYS)
    for name, (octets, keys) in CAPTURES.items():
        _write(HERE / "pcap" / name, octets(), keys)


def _write(path: Path, octets: bytes, keys: str) -> None:
    path.write_bytes(octets)
    path.with_suffix(".json").write_text(json.dumps({"keys": keys}) + "\n")


if __name__ == "__main__":
    main()
