"""A capture's packets as calls: who called whom, one channel per direction, losses and event digits known.

    packet ─▶ datagram ─▶ SIP?  dialogs by Call-ID: where each side wants its sound, when it ended
                       └▶ RTP?  streams by (source, target, SSRC)
    a stream belongs to a call    1. by its target, if the call's SDP named it, and by its time
                                  2. by its source (behind NAT the SDP's address is wrong; sound goes back where it
                                     came from)
                                  3. without SIP: by itself, if it behaves as RTP does, with the stream back

A call is given as soon as it is over, so that a day's capture needs the memory of its open calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from drivers.call_audio import CallAudio
from drivers.capture.assembly import SECOND_US, SILENT_US, assemble, plausible
from drivers.capture.dialog import Dialog, StreamKey
from drivers.capture.internet import TCP, Datagram, Endpoint, Internet
from drivers.capture.pcap import CaptureFile
from drivers.capture.rtp import Stream, parse
from drivers.capture.signalling import FLOWS_MAX, Flow, Message, parse_message
from drivers.wav import UnreadableAudio

SWEEP_US: Final = 5 * SECOND_US
AFTER_END_US: Final = 5 * SECOND_US  # packets still on their way when the call is over
CALL_IDLE_US: Final = 3600 * SECOND_US
CALLS_MAX: Final = 10_000
STREAMS_MAX: Final = 100_000


class Calls:
    """Datagrams in, calls out. Pure; time is the capture's own."""

    def __init__(self) -> None:
        self.ignored: Counter[str] = Counter()
        self._dialogs: dict[str, Dialog] = {}
        self._streams: dict[StreamKey, Stream] = {}
        self._flows: dict[tuple[Endpoint, Endpoint], Flow] = {}
        self._now_us = 0
        self._swept_us = 0
        self._without_sip = 0

    def hear(self, datagram: Datagram) -> list[CallAudio]:
        """Take the next datagram; the calls that have ended by now."""
        if datagram.protocol == TCP:
            self._segment(datagram)
        elif datagram.data:
            self._udp(datagram)
        self._now_us = max(self._now_us, datagram.at_us)
        if self._now_us - self._swept_us < SWEEP_US:
            return []
        self._swept_us = self._now_us
        return self._sweep()

    def finish(self) -> list[CallAudio]:
        """The capture is over: everything that is left."""
        calls = [call for dialog in list(self._dialogs.values()) for call in self._close(dialog)]
        return sorted(calls + self._orphans(list(self._streams)), key=lambda call: call.started_utc_us or 0)

    def _udp(self, datagram: Datagram) -> None:
        packet = parse(datagram.data, datagram.missing)
        if packet is not None:
            key = (datagram.source, datagram.target, packet.ssrc)
            stream = self._streams.get(key)
            if stream is None:
                if len(self._streams) >= STREAMS_MAX:
                    self.ignored["stream beyond the limit"] += 1
                    return
                stream = self._streams[key] = Stream(packet.ssrc, datagram.at_us)
            stream.hear(datagram.at_us, packet)
            return
        message = parse_message(datagram.data)
        if message is None:
            self.ignored["neither SIP nor RTP"] += 1
            return
        self._message(message, datagram.at_us)

    def _segment(self, datagram: Datagram) -> None:
        key = (datagram.source, datagram.target)
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= FLOWS_MAX:
                self._flows.pop(next(iter(self._flows)))
            flow = self._flows[key] = Flow()
        for message in flow.hear(datagram.sequence, datagram.data, datagram.start):
            self._message(message, datagram.at_us)

    def _message(self, message: Message, at_us: int) -> None:
        call = message.header("call-id")
        dialog = self._dialogs.get(call)
        if dialog is None:
            if message.method != "INVITE" or message.status is not None or not call:
                return
            if len(self._dialogs) >= CALLS_MAX:
                self.ignored["call beyond the limit"] += 1
                return
            dialog = self._dialogs[call] = Dialog.begun_by(message, at_us)
        dialog.hear(message, at_us)

    def _sweep(self) -> list[CallAudio]:
        calls = []
        for dialog in list(self._dialogs.values()):
            over_us = self._now_us - AFTER_END_US
            ended = dialog.ended_us is not None and dialog.ended_us < over_us
            if ended or self._is_idle(dialog):
                calls += self._close(dialog)
        idle = [
            key
            for key, stream in self._streams.items()
            if stream.last_us < self._now_us - SILENT_US
            and not any(dialog.claim(key, stream.first_us) for dialog in self._dialogs.values())
        ]
        return calls + self._orphans(idle)

    def _is_idle(self, dialog: Dialog) -> bool:
        since_us = self._now_us - CALL_IDLE_US
        if dialog.last_us >= since_us:
            return False
        return not any(
            one.last_us >= since_us and dialog.claim(key, one.first_us) for key, one in self._streams.items()
        )

    def _close(self, dialog: Dialog) -> list[CallAudio]:
        """The call of a dialog, with the streams that are its own and no later call's."""
        streams = {key: one for key, one in self._streams.items() if self._owner(key, one.first_us, dialog) is dialog}
        del self._dialogs[dialog.call]
        for key in streams:
            del self._streams[key]
        if not streams and not dialog.has_keys and not dialog.encrypted:
            return []
        who = CallAudio(dialog.call, (), dialog.caller, dialog.called)
        return assemble(who, streams, dialog)

    def _owner(self, key: StreamKey, first_us: int, asking: Dialog) -> Dialog | None:
        """Whose a stream is, if `asking` may claim it at all: the best fit, of equal ones the youngest call."""
        if not asking.claim(key, first_us):
            return None
        return max(self._dialogs.values(), key=lambda one: (one.claim(key, first_us), one.started_us))

    def _orphans(self, keys: Iterable[StreamKey]) -> list[CallAudio]:
        """Calls of streams without SIP: each with the stream that goes back its way."""
        taken = {key: self._streams[key] for key in keys}
        pairs: dict[frozenset[Endpoint], dict[StreamKey, Stream]] = {}
        for key, stream in taken.items():
            del self._streams[key]
            if plausible(stream):
                pairs.setdefault(frozenset(key[:2]), {})[key] = stream
            else:
                self.ignored["not RTP after all"] += sum(len(one.packets) for one in stream.segments)
        calls = []
        for streams in sorted(pairs.values(), key=lambda found: min(s.first_us for s in found.values())):
            self._without_sip += 1
            calls += assemble(CallAudio(f"rtp-{self._without_sip}", ()), streams, None)
        return calls


class CaptureCalls:
    """A capture file's calls, each as soon as it is over; afterwards `problem` says what was wrong with the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str | None = None

    def __iter__(self) -> Iterator[CallAudio]:
        """Raises UnreadableAudio if the file is no capture or no call is in it; OSError as the disk does."""
        internet, calls, found = Internet(), Calls(), 0
        with self._path.open("rb", buffering=1 << 20) as file:
            capture = CaptureFile(file)
            for packet in capture:
                datagram = internet.hear(packet)
                for call in calls.hear(datagram) if datagram is not None else ():
                    found += 1
                    yield call
        self.problem = capture.problem
        for call in calls.finish():
            found += 1
            yield call
        if not found:
            reason = f" ({self.problem})" if self.problem else ""
            raise UnreadableAudio(f"no call with sound in its {capture.packets} packets{reason}")


def read_calls(path: Path) -> list[CallAudio]:
    """All calls of a capture, in the order of their beginning; the file's own problem stands in each.

    Raises UnreadableAudio if the file is no capture or no call is in it; OSError as the disk does.
    """
    reader = CaptureCalls(path)
    calls = sorted(reader, key=lambda call: call.started_utc_us or 0)
    if reader.problem is None:
        return calls
    return [replace(call, problem="; ".join(filter(None, (reader.problem, call.problem)))) for call in calls]
