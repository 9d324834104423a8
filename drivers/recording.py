"""Any file with calls in it, as calls: WAV recordings and pcap captures, told apart by their content."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from drivers.call_audio import CallAudio, Channel
from drivers.wav import open_wav

PCAP_MAGICS: Final = frozenset(
    {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a"}
)


def is_capture(path: Path) -> bool:
    """Whether the file begins like a pcap or a pcapng. Raises OSError as the disk does."""
    with path.open("rb") as file:
        return file.read(4) in PCAP_MAGICS


def read_capture(path: Path) -> list[CallAudio]:
    """All calls of a recording or a capture, whole, in the order of their beginning.

    What is wrong with the file stands in every call's `problem`.
    Raises UnreadableAudio (a ValueError) with one line if there is nothing to hear in it; OSError as the disk does.
    """
    if is_capture(path):
        from drivers.capture.calls import read_calls

        return read_calls(path)
    recording = open_wav(path)
    channels = tuple(
        Channel(name, samples) for name, samples in zip(recording.layout.names, recording.whole(), strict=True)
    )
    return [CallAudio("", channels, problem=recording.layout.problem)]
