"""Sound that several benchmarks share: messages, speech, G.711, and recordings of real keys. Calls are in `lines`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lines.codecs import companded
from lines.panel import keys_of, message
from lines.sounds import babble

__all__ = ["babble", "companded", "message_keys", "real_strings"]


def message_keys(random: np.random.Generator) -> str:
    """A message that a home unit may send, as keys."""
    return keys_of(message(random))


def real_strings(folder: Path) -> list[tuple[str, np.ndarray]]:
    """Recordings named for the keys they hold (`s` is `*`, `p` is `#`): [(keys, int16)]."""
    import wave

    found = []
    for path in sorted(folder.rglob("*.wav")):
        with wave.open(str(path)) as recording:
            sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.int16)
        found.append((path.stem.replace("s", "*").replace("p", "#"), sound))
    return found
