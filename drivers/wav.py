"""Recordings: WAV of any common form, and headerless 8 kHz audio, as samples of ours; and WAV written.

A file is read in blocks of ten seconds or so, whatever its rate, so that a recording of a whole
day costs no more memory than a short one. Other rates are brought to 8 kHz by a polyphase filter
whose context is carried from block to block: the result does not depend on the block's size.
Sources: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0" (RIFF, WAVE),
WAVE_FORMAT_EXTENSIBLE (ksmedia.h), EBU Tech 3306 (RF64).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from decoder.g711 import decode_alaw, decode_ulaw
from decoder.samples import I16, RATE_HZ, Samples

RATE_HZ_MIN: Final = 4_000
RATE_HZ_MAX: Final = 192_000
BLOCK_S: Final = 10
CHUNKS_MAX: Final = 1_000  # before the sound; a real file has fewer than ten
UNKNOWN_LENGTH: Final = 0x7FFF_F000  # a writer into a pipe puts this or more where the length should be

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

Raw = NDArray[np.uint8]
F64 = NDArray[np.float64]


class UnreadableAudio(ValueError):
    """Not a recording that can be decoded; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one sample stands in the file: its width in octets, and its value with full scale ±32768."""

    name: str
    width: int
    convert: Callable[[Raw], F64 | I16]


def _int24(raw: Raw) -> F64:
    words = np.zeros((len(raw) // 3, 4), np.uint8)
    words[:, 1:] = raw.reshape(-1, 3)
    return words.view("<i4")[:, 0] / 65536.0


def _float(kind: str) -> Callable[[Raw], F64]:
    def convert(raw: Raw) -> F64:
        """Full scale is ±1: what is beyond is clipped before anything is summed up, what is no number is silence."""
        with np.errstate(invalid="ignore"):  # a signalling NaN
            values = raw.view(kind).astype(np.float64)
        return np.clip(np.nan_to_num(values, posinf=1.0, neginf=-1.0), -1.0, 1.0) * 32768.0

    return convert


ENCODINGS: Final[dict[tuple[int, int], Encoding]] = {
    (PCM, 8): Encoding("8-bit", 1, lambda raw: (raw.astype(np.int16) - 128) * np.int16(256)),
    (PCM, 16): Encoding("16-bit", 2, lambda raw: raw.view("<i2").astype(np.int16)),
    (PCM, 24): Encoding("24-bit", 3, _int24),
    (PCM, 32): Encoding("32-bit", 4, lambda raw: raw.view("<i4") / 65536.0),
    (FLOAT, 32): Encoding("32-bit float", 4, _float("<f4")),
    (FLOAT, 64): Encoding("64-bit float", 8, _float("<f8")),
    (ALAW, 8): Encoding("A-law", 1, decode_alaw),
    (MULAW, 8): Encoding("µ-law", 1, decode_ulaw),
}

HEADERLESS: Final[dict[str, Encoding]] = {
    "ulaw": ENCODINGS[MULAW, 8],
    "alaw": ENCODINGS[ALAW, 8],
    "s16": ENCODINGS[PCM, 16],
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the sound stands in a file and how.

    frames : of one sample per channel, that are really there
    missing: frames the header promises beyond them; None: the header does not know the length
    """

    encoding: Encoding
    channels: int
    rate_hz: int
    offset: int
    frames: int
    missing: int | None = 0

    @property
    def problem(self) -> str | None:
        """One line if the file is not whole."""
        if self.missing is None:
            return "cut short: the header was never completed; read to the end of the file"
        if not self.missing:
            return None
        present, promised = self.frames / self.rate_hz, (self.frames + self.missing) / self.rate_hz
        return f"cut short: {present:.1f} s of the promised {promised:.1f} s are there"

    @property
    def duration_samples(self) -> int:
        """Length at 8 kHz."""
        return -(-self.frames * RATE_HZ // self.rate_hz)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return ("mono",) if self.channels == 1 else ("left", "right")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: what it is like, and its sound on demand."""

    path: Path
    layout: Layout

    def blocks(self, block_s: float = BLOCK_S) -> Iterator[tuple[Samples, ...]]:
        """The sound at 8 kHz, block by block, one `Samples` per channel (`layout.names`), each going on where the
        last one ended. Raises OSError if the disk does."""
        layout = self.layout
        resampler = _Resampler(layout.rate_hz)
        per_block = resampler.whole(round(block_s * layout.rate_hz))
        start = 0
        with self.path.open("rb") as file:
            file.seek(layout.offset)
            for values in _pieces(file, layout, per_block):
                pcm = resampler.feed(values)
                yield tuple(Samples(start, np.ascontiguousarray(pcm[:, n])) for n in range(layout.channels))
                start += len(pcm)
        pcm = resampler.finish(layout.channels)
        if len(pcm):
            yield tuple(Samples(start, np.ascontiguousarray(pcm[:, n])) for n in range(layout.channels))

    def whole(self) -> tuple[Samples, ...]:
        """All of it at once, one `Samples` per channel."""
        blocks = list(self.blocks()) or [tuple(Samples(0, np.zeros(0, np.int16)) for _ in self.layout.names)]
        return tuple(Samples(0, np.concatenate([part.pcm for part in parts])) for parts in zip(*blocks, strict=True))


def open_wav(path: Path) -> Recording:
    """Read a WAV file's header. Raises UnreadableAudio if it is none or cannot be decoded; OSError as the disk does."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        return Recording(path, read_header(file, size))


def open_raw(path: Path, kind: str) -> Recording:
    """A headerless 8 kHz mono file, `kind` one of `HEADERLESS`."""
    encoding = HEADERLESS[kind]
    size = path.stat().st_size
    if size < encoding.width:
        raise UnreadableAudio("the file is empty")
    return Recording(path, Layout(encoding, 1, RATE_HZ, 0, size // encoding.width))


def read_header(file: BinaryIO, size: int) -> Layout:
    """Walk the chunks of a WAV file of `size` octets up to its sound. Raises UnreadableAudio."""
    head = file.read(12)
    if not head:
        raise UnreadableAudio("the file is empty")
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        raise UnreadableAudio("neither a WAV recording nor a pcap capture; convert it to WAV (sox)")
    form: tuple[Encoding, int, int] | None = None
    long_size = None  # RF64: the real length, in a chunk of its own
    for _ in range(CHUNKS_MAX):
        chunk = file.read(8)
        if len(chunk) < 8:
            raise UnreadableAudio("a WAV file without sound (cut short in its header?)")
        name, length = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        start = file.tell()
        if name == b"ds64":
            (long_size,) = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))
        elif name == b"fmt ":
            form = _read_format(file.read(min(length, 40)))
        elif name == b"data":
            if form is None:
                raise UnreadableAudio("a WAV file that does not say how its sound is coded (no 'fmt ' chunk)")
            promised = long_size if long_size is not None and length == 0xFFFF_FFFF else length
            return _layout(*form, start, size - start, promised)
        file.seek(start + length + (length & 1))
    raise UnreadableAudio(f"no sound within the first {CHUNKS_MAX} chunks of the WAV file")


def _layout(encoding: Encoding, channels: int, rate_hz: int, offset: int, present: int, promised: int) -> Layout:
    block = encoding.width * channels
    if promised == 0 and present >= block:
        return Layout(encoding, channels, rate_hz, offset, present // block, None)  # recorder killed before it said
    if promised >= UNKNOWN_LENGTH and present < promised:
        return Layout(encoding, channels, rate_hz, offset, present // block)  # written into a pipe: to the end
    frames = min(promised, present) // block
    return Layout(encoding, channels, rate_hz, offset, frames, promised // block - frames)


def _read_format(chunk: bytes) -> tuple[Encoding, int, int]:
    """The 'fmt ' chunk as encoding, channels, rate. Raises UnreadableAudio."""
    if len(chunk) < 16:
        raise UnreadableAudio("a WAV file whose header is cut short")
    tag, channels, rate_hz, _, align, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack("<H", chunk[24:26])  # the sub-format's first octets are the plain tag
    encoding = ENCODINGS.get((tag, bits))
    if encoding is None:
        raise UnreadableAudio(f"WAV coding {tag} with {bits} bits is not supported; convert it to 16-bit PCM (sox)")
    if channels not in (1, 2):
        raise UnreadableAudio(f"{channels} channels: one (mono) or two (one direction each) can be decoded")
    if not RATE_HZ_MIN <= rate_hz <= RATE_HZ_MAX:
        raise UnreadableAudio(f"a rate of {rate_hz} Hz: from {RATE_HZ_MIN} to {RATE_HZ_MAX} Hz can be decoded")
    if align != channels * encoding.width:
        raise UnreadableAudio(f"the WAV header contradicts itself: {align} octets for {channels} × {encoding.name}")
    return encoding, channels, rate_hz


def _pieces(file: BinaryIO, layout: Layout, per_block: int) -> Iterator[F64 | I16]:
    """The file's frames, (n, channels), full scale ±32768, at most `per_block` at a time."""
    block, left = layout.encoding.width * layout.channels, layout.frames
    while left:
        raw = file.read(min(per_block, left) * block)
        raw = raw[: len(raw) // block * block]
        if not raw:
            return  # shortened while being read
        left -= len(raw) // block
        yield layout.encoding.convert(np.frombuffer(raw, np.uint8)).reshape(-1, layout.channels)


class _Resampler:
    """Any rate to 8 kHz, block by block, as if the whole had been filtered at once.

    Blocks are whole multiples of `down`, so that each output block begins on an input sample; the
    filter's reach is kept from the block before and awaited from the one behind.
    """

    def __init__(self, rate_hz: int) -> None:
        common = gcd(rate_hz, RATE_HZ)
        self._up, self._down = RATE_HZ // common, rate_hz // common
        self._taps: F64 | None = None
        half = 10 * max(self._up, self._down)  # scipy's choice: ten zero crossings of the sinc on either side
        self._reach = self.whole(half // self._up + 1)
        self._held: F64 | None = None  # reach before + what is not yet put out
        self._half = half

    def whole(self, frames: int) -> int:
        """`frames` rounded up to a length that blocks may have."""
        return -(-max(frames, 1) // self._down) * self._down

    def feed(self, values: F64 | I16) -> I16:
        """Frames at the file's rate, (n, channels), to samples at 8 kHz."""
        if self._up == self._down:
            return _int16(values)
        before = np.zeros((self._reach, values.shape[1])) if self._held is None else self._held
        together = np.concatenate([before, values])
        ready = len(together) - 2 * self._reach  # all but the reach on both sides
        ready -= ready % self._down
        if ready <= 0:
            self._held = together
            return np.zeros((0, values.shape[1]), np.int16)
        out = self._filter(together[: ready + 2 * self._reach], ready)
        self._held = together[ready:]
        return out

    def finish(self, channels: int) -> I16:
        """What the last frames give, with silence behind them."""
        held, self._held = self._held, None
        if held is None:
            return np.zeros((0, channels), np.int16)
        left = len(held) - self._reach
        padded = np.concatenate([held, np.zeros((self.whole(left) - left + self._reach, channels))])
        return self._filter(padded, self.whole(left))[: -(-left * self._up // self._down)]

    def _filter(self, values: F64, ready: int) -> I16:
        from scipy.signal import firwin, resample_poly

        if self._taps is None:
            taps = 2 * self._half + 1
            self._taps = firwin(taps, 1 / max(self._up, self._down), window=("kaiser", 5.0))
        out = resample_poly(values, self._up, self._down, axis=0, window=self._taps)
        first = self._reach * self._up // self._down
        return _int16(out[first : first + ready * self._up // self._down])


def _int16(values: F64 | I16) -> I16:
    if values.dtype == np.int16:
        return values.astype(np.int16, copy=False)
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def write(path: Path, channels: Sequence[I16]) -> None:
    """Write 16-bit 8 kHz WAV, mono or stereo (left, right); a shorter channel is filled with silence."""
    if len(channels) not in (1, 2):
        raise ValueError(f"one or two channels, not {len(channels)}")
    together = np.zeros((max(len(pcm) for pcm in channels), len(channels)), "<i2")
    for n, pcm in enumerate(channels):
        together[: len(pcm), n] = pcm
    sound = together.tobytes()
    align = 2 * len(channels)
    form = struct.pack("<HHIIHH", PCM, len(channels), RATE_HZ, RATE_HZ * align, align, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(sound)) + sound
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
