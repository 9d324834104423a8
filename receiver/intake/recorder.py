"""Both directions of a call on disk, sealed while it lasts. Pure: sound in, bytes to append out.

A file is a header line and chunks of half a second, each sealed on its own (AES-256-GCM) under the
call's key and bound to the call and its place, so that a crash loses the last second and nothing
before it, and no chunk can be moved, left out or put into another call:

    "yobirin-audio 1 <call>\\n"  ┃ length (4 bytes) ┃ nonce (12) ┃ ciphertext and tag ┃ length ┃ …
    in a chunk: start (8), samples (4), lost spans (2), last (1) ┃ spans (8+8 each) ┃ far µ-law ┃ near µ-law

*far* is what the line brought, *near* what we played. Erasing the call's key erases the sound.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from decoder import g711
from decoder.samples import I16, Samples, Span, from_ms

CHUNK: Final = from_ms(500)
OWN_SOUND_LATE: Final = from_ms(200)  # a line may tell us so late that our tone has begun
SUFFIX: Final = ".call"

_HEAD: Final = struct.Struct(">QIHB")
_SPAN: Final = struct.Struct(">QQ")
_LENGTH: Final = struct.Struct(">I")
_NONCE: Final = 12
_SOUND_MAX: Final = 60 * CHUNK  # of sound that waits for its key: half a minute; older is given up


class Recorder:
    """One call. `key` gives the call's key, or None as long as it is not durable; until then sound waits in memory."""

    def __init__(self, call: str, key: Callable[[], bytes | None], entropy: Callable[[int], bytes]) -> None:
        self._call = call
        self._key_of, self._entropy = key, entropy
        self._box: AESGCM | None = None
        self._far: I16 = np.zeros(0, np.int16)
        self._start = 0
        self._lost: list[Span] = []
        self._near: list[tuple[int, I16]] = []
        self._chunks = 0
        self._digest = hashlib.sha256()
        self.samples = 0

    @property
    def sha256(self) -> str:
        """Of all bytes given out so far."""
        return self._digest.hexdigest()

    def heard(self, sound: Samples) -> bytes:
        """The line's next sound. Returns what is to be appended to the file now."""
        self._far = np.concatenate([self._far, sound.pcm])
        self._lost += sound.lost
        self.samples = sound.end
        return self._give(OWN_SOUND_LATE, last=False)

    def played(self, start: int, pcm: I16) -> None:
        """We play this from sample `start` on."""
        self._near.append((start, pcm))

    def cut(self, at: int) -> None:
        """What we played last ended at `at`."""
        if self._near:
            start, pcm = self._near[-1]
            self._near[-1] = (start, pcm[: max(0, at - start)])

    def finish(self) -> bytes:
        """The call is over: the rest of it, marked as the end."""
        return self._give(0, last=True)

    def _give(self, held_back: int, *, last: bool) -> bytes:
        if self._box is None:
            key = self._key_of()
            if key is None:
                self._far = self._far[-_SOUND_MAX:]
                self._start = self.samples - len(self._far)
                return b""
            self._box = AESGCM(key)
        out = b""
        while len(self._far) >= CHUNK + held_back:
            out += self._chunk(self._box, CHUNK, last=False)
        if last:
            out += self._chunk(self._box, len(self._far), last=True)
        self._digest.update(out)
        return out

    def _chunk(self, box: AESGCM, length: int, *, last: bool) -> bytes:
        far, end = self._far[:length], self._start + length
        lost = [span for span in self._lost if span.start < end]
        plain = _HEAD.pack(self._start, length, len(lost), last)
        plain += b"".join(_SPAN.pack(span.start, span.end) for span in lost)
        plain += g711.encode_ulaw(far).tobytes() + g711.encode_ulaw(self._own(self._start, end)).tobytes()
        nonce = self._entropy(_NONCE)
        sealed = nonce + box.encrypt(nonce, plain, _place(self._call, self._chunks))
        header = header_of(self._call) if self._chunks == 0 else b""
        self._far, self._start = self._far[length:], end
        self._lost = [span for span in self._lost if span.end > end]
        self._near = [(start, pcm) for start, pcm in self._near if start + len(pcm) > end]
        self._chunks += 1
        return header + _LENGTH.pack(len(sealed)) + sealed

    def _own(self, start: int, end: int) -> I16:
        sound = np.zeros(end - start, np.int16)
        for begins, pcm in self._near:
            first, last = max(begins, start), min(begins + len(pcm), end)
            if first < last:
                sound[first - start : last - start] = pcm[first - begins : last - begins]
        return sound


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording as it is read back. `whole` is False if its end is missing (a crash, a cut file)."""

    far: Samples
    near: I16
    whole: bool


def header_of(call: str) -> bytes:
    return f"yobirin-audio 1 {call}\n".encode()


def read(data: bytes, call: str, key: bytes) -> Heard:
    """Open a call's recording. Raises ValueError if it is not one, was altered, or belongs to another call or key."""
    if not data.startswith(header_of(call)):
        raise ValueError("not the recording of this call")
    box, at, whole = AESGCM(key), len(header_of(call)), False
    far: list[I16] = []
    near: list[I16] = []
    lost: list[Span] = []
    first = None
    while (body := _body(data, at)) is not None and not whole:
        try:
            plain = box.decrypt(body[:_NONCE], body[_NONCE:], _place(call, len(far)))
        except InvalidTag:
            raise ValueError(f"chunk {len(far) + 1} was altered, or sealed under another key") from None
        start, length, spans, last = _HEAD.unpack_from(plain)
        first = start if first is None else first
        sound = np.frombuffer(plain, np.uint8, offset=_HEAD.size + spans * _SPAN.size)
        lost += [Span(*_SPAN.unpack_from(plain, _HEAD.size + i * _SPAN.size)) for i in range(spans)]
        far.append(g711.decode_ulaw(sound[:length]))
        near.append(g711.decode_ulaw(sound[length:]))
        at += _LENGTH.size + len(body)
        whole = bool(last)
    empty: I16 = np.zeros(0, np.int16)
    unique = tuple(dict.fromkeys(lost))
    return Heard(Samples(first or 0, np.concatenate([empty, *far]), unique), np.concatenate([empty, *near]), whole)


def _body(data: bytes, at: int) -> bytes | None:
    """The sealed chunk at this place, or None if it is not all there."""
    if at + _LENGTH.size > len(data):
        return None
    (length,) = _LENGTH.unpack_from(data, at)
    body = data[at + _LENGTH.size : at + _LENGTH.size + length]
    return body if len(body) == length else None


def _place(call: str, chunk: int) -> bytes:
    return f"{call} {chunk}".encode()
