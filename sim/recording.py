"""A unit's whole call as a recording, against an ideal receiver that greets, waits and kisses off."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np

from decoder.detector import Detector
from decoder.exchange import Format
from decoder.frame import Frame
from decoder.samples import FULL_SCALE, I16, RATE_HZ, Samples, from_ms
from decoder.synth import steps
from sim.panel import Dial, Finished, HangUp, Note
from sim.phone import Phone, digits
from sim.wire import BLOCK

ANSWER_MS: Final = 1250  # from answer to greeting
KISS_OFF_AFTER_MS: Final = 200
CALL_S_MAX: Final = 600
TAIL_MS: Final = 500


def record(phone: Phone, form: Format, notes: list[Note]) -> tuple[I16, I16, Finished]:
    """One call: the unit's own sound, the receiver's, both int16 of one length; `notes` are added to.

    The receiver kisses off what the unit meant to send, unless the unit is set to send it wrong; what it must have
    heard twice, the second time.
    """
    silent = phone.panel.settings.wrong_digit is not None
    wanted = _sends_wanted(phone, form)
    replies: list[tuple[int, I16]] = [(from_ms(ANSWER_MS), steps(form.greeting))]
    unit: list[I16] = []
    receiver: list[I16] = []
    finished: Finished | None = None
    effects = phone.panel.start()
    phone.began_call()
    tail = from_ms(TAIL_MS) // BLOCK
    while tail and len(unit) * BLOCK < CALL_S_MAX * RATE_HZ:
        heard = _mixed(replies, phone.at)
        said, more = phone.exchange(heard)
        unit.append(said)
        receiver.append(heard)
        effects += more
        for effect in effects:
            if isinstance(effect, Note):
                notes.append(effect)
                if effect.what == "sent" and int(effect.details["attempt"]) >= wanted and not silent:
                    end = int(effect.details["last_digit_end"])
                    replies.append((end + from_ms(KISS_OFF_AFTER_MS), steps(form.kiss_off)))
            elif isinstance(effect, Finished):
                finished = effect
            elif isinstance(effect, HangUp) or (isinstance(effect, Dial) and len(unit) > 1):
                finished = finished or Finished(phone.panel.delivered, False)
        effects = []
        tail -= finished is not None
    return np.concatenate(unit), np.concatenate(receiver), finished or Finished(phone.panel.delivered, False)


def _sends_wanted(phone: Phone, form: Format) -> int:
    """How often a message must be sent until its format's reader gives a frame: once, or twice without a check."""
    parts = phone.panel.parts
    if form.integrity or not parts:
        return 1
    pcm = digits(parts[0].keys, phone.panel.settings) if parts[0].pcm is None else parts[0].pcm
    detector, reader = Detector(form.signals), form.reader()
    symbols = detector.feed(Samples(0, np.pad(pcm, RATE_HZ))) + detector.finish()
    results = [result for symbol in symbols for result in reader.hear(symbol)]
    results += reader.tick(len(pcm) + 60 * RATE_HZ)
    return 1 if any(isinstance(result, Frame) for result in results) else 2


def _mixed(replies: list[tuple[int, I16]], at: int) -> I16:
    block = np.zeros(BLOCK, np.int16)
    for start, pcm in replies:
        first, last = max(start, at), min(start + len(pcm), at + BLOCK)
        if first < last:
            block[first - at : last - at] = pcm[first - start : last - start]
    return block


def write_wav(path: Path, unit: I16, receiver: I16, *, mono: bool) -> None:
    """16-bit 8 kHz: left the unit, right the receiver; or both in one channel."""
    if mono:
        frames = np.clip(unit.astype(np.int32) + receiver, -FULL_SCALE - 1, FULL_SCALE).astype("<i2")
    else:
        frames = np.stack([unit, receiver], axis=1).astype("<i2")
    with path.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(1 if mono else 2)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(frames.tobytes())
