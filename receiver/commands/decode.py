"""`yobirin decode FILE…`: what recordings and captures hold.

Everything is heard in batches, many channels in one pass of the detector; a channel that is longer
than `LONG` is heard block by block instead, so that a recording of a whole day needs no more memory.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.errors import BadInput, shown

if TYPE_CHECKING:
    from decoder.exchange import Format, Signal
    from decoder.samples import Samples
    from decoder.symbols import Symbol
    from drivers.call_audio import CallAudio

ALL: Final = "all"
BATCH: Final = 8_000 * 600  # samples heard in one pass
LONG: Final = 8_000 * 600
BLOCK: Final = 8_000 * 30
LIST_OCTETS_MAX: Final = 64 * 1024 * 1024


@click.command()
@click.argument("files", nargs=-1, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (docs/reference/decode-json.md).")
@click.option(
    "--list", "listing", metavar="FILE", help="Decode the files that FILE names, one path a line; - for stdin."
)
@click.option(
    "--raw",
    type=click.Choice(["ulaw", "alaw", "s16"]),
    help="The files are 8 kHz mono sound without a header.",
)
@click.option(
    "--format",
    "names",
    multiple=True,
    metavar="NAME",
    help="Read this format, may be repeated; all: every one. Default: those whose messages carry a check.",
)
@click.pass_context
def decode(
    context: click.Context,
    files: tuple[Path, ...],
    as_json: bool,
    listing: str | None,
    raw: str | None,
    names: tuple[str, ...],
) -> None:
    """Decode recordings (WAV) and captures (pcap, pcapng): digits, tones, frames.

    Exit code: 0 all was read, also if nothing was heard in it; 1 some files could not be read or are cut short
    (the rest is printed); 2 nothing could be read.
    """
    formats = _named(names)
    paths = list(files) + (_listed(listing) if listing is not None else [])
    if not paths:
        raise BadInput("no file named; give FILE… or --list FILE")
    work = _Work(as_json, raw, formats)
    hidden = not sys.stderr.isatty() or sys.stdout.isatty() or len(paths) < 2
    bar = nullcontext(paths) if hidden else click.progressbar(paths, label="decoding", file=sys.stderr)
    with bar as each:
        for path in each:
            work.take(path)
    work.finish()
    context.exit(work.exit_code)


def _named(names: Sequence[str]) -> tuple[Format, ...]:
    """The formats asked for, in the order of trial. Raises BadInput for a name that is none."""
    from decoder.registry import FORMATS, USUAL, by_name

    try:
        wanted = {by_name(name).name for name in names if name != ALL}
    except ValueError as error:
        raise BadInput(f"--format: {error}; or all") from None
    if not names:
        return USUAL
    return tuple(known for known in FORMATS if ALL in names or known.name in wanted)


def _listed(name: str) -> list[Path]:
    """The paths a list names. Raises BadInput if the list itself cannot be read."""
    try:
        if name == "-":
            octets = sys.stdin.buffer.read(LIST_OCTETS_MAX + 1)
        else:
            with Path(name).open("rb") as file:
                octets = file.read(LIST_OCTETS_MAX + 1)
    except OSError as error:
        raise BadInput(f"{shown(name)}: {_reason(error)}; --list wants a file with one path a line") from None
    if len(octets) > LIST_OCTETS_MAX or b"\0" in octets:
        raise BadInput(f"{shown(name)}: not a list of files; --list wants one path a line")
    lines = (line.removesuffix(b"\r") for line in octets.split(b"\n"))
    return [Path(os.fsdecode(line)) for line in lines if line]


def _reason(error: OSError) -> str:
    return {
        FileNotFoundError: "no such file; check the name",
        IsADirectoryError: "is a folder; name the files in it",
        PermissionError: "permission denied; give this account the right to read it",
    }.get(type(error), f"cannot be read ({error.strerror or error})")


@dataclass(slots=True)
class _Heard:
    """A call of a file, and its symbols by channel where they are known already."""

    file: str
    call: CallAudio
    symbols: list[list[Symbol]] | None = None


@dataclass(slots=True)
class _Work:
    """Files in, lines out, in the order of the files; counts what became of them."""

    as_json: bool
    raw: str | None
    formats: tuple[Format, ...]
    readable: int = 0
    faults: int = 0
    _waiting: list[_Heard] = field(default_factory=list)
    _samples: int = 0
    _last_file: str | None = None

    @property
    def _signals(self) -> frozenset[Signal]:
        from decoder.exchange import signals_of

        return signals_of(self.formats)

    @property
    def exit_code(self) -> int:
        return 2 if not self.readable else 1 if self.faults else 0

    def take(self, path: Path) -> None:
        """Read a file; it is printed when its batch is full."""
        calls, readable = self._open(path), False
        while (heard := self._next(calls, path)) is not None:
            readable |= bool(heard.call.channels)
            self._add(heard)
        self.readable += readable

    def _next(self, calls: Iterator[_Heard], path: Path) -> _Heard | None:
        """The next call of a file; None at its end, and after a fault, which is told."""
        from drivers.wav import UnreadableAudio

        try:
            return next(calls, None)
        except UnreadableAudio as error:
            self._complain(path, str(error))
        except OSError as error:
            self._complain(path, _reason(error))
        return None

    def finish(self) -> None:
        """Print what still waits."""
        self._flush()

    def _open(self, path: Path) -> Iterator[_Heard]:
        from drivers.call_audio import CallAudio, Channel
        from drivers.recording import is_capture
        from drivers.wav import UnreadableAudio, open_raw, open_wav

        file = os.fspath(path)
        if path.exists() and not path.is_file() and not path.is_dir():
            raise UnreadableAudio("not a regular file; record it to a file first")
        if self.raw is None and is_capture(path):
            yield from self._capture(path)
            return
        recording = open_raw(path, self.raw) if self.raw else open_wav(path)
        problem = recording.layout.problem
        if recording.layout.duration_samples > LONG:
            names, symbols = recording.layout.names, self._in_blocks(recording.blocks(), len(recording.layout.names))
            silent = tuple(Channel(name, _nothing()) for name in names)
            yield _Heard(file, CallAudio("", silent, problem=problem), symbols)
        else:
            pairs = zip(recording.layout.names, recording.whole(), strict=True)
            yield _Heard(file, CallAudio("", tuple(Channel(*pair) for pair in pairs), problem=problem))

    def _capture(self, path: Path) -> Iterator[_Heard]:
        from drivers.capture.calls import CaptureCalls

        capture = CaptureCalls(path)
        for call in capture:
            yield _Heard(os.fspath(path), call)
        if capture.problem:
            self._complain(path, capture.problem)

    def _add(self, heard: _Heard) -> None:
        if heard.call.problem:
            which = f"call {heard.call.call}: " if heard.call.call else ""
            self._complain(Path(heard.file), which + heard.call.problem)
        self._waiting.append(heard)
        if heard.symbols is None:
            self._samples += sum(len(channel.samples.pcm) for channel in heard.call.channels)
        if self._samples >= BATCH:
            self._flush()

    def _flush(self) -> None:
        from decoder.detector import detect_batch

        waiting, self._waiting, self._samples = self._waiting, [], 0
        short: list[Samples] = []
        for heard in waiting:
            if heard.symbols is None and any(len(one.samples.pcm) > LONG for one in heard.call.channels):
                heard.symbols = [
                    self._in_blocks(((part,) for part in _pieces(one.samples)), 1)[0] for one in heard.call.channels
                ]
            elif heard.symbols is None:
                short += [channel.samples for channel in heard.call.channels]
        found = iter(detect_batch(short, self._signals))
        for heard in waiting:
            self._print(heard, heard.symbols or [next(found) for _ in heard.call.channels])

    def _in_blocks(self, blocks: Iterator[tuple[Samples, ...]], channels: int) -> list[list[Symbol]]:
        """Symbols of each channel of a long recording."""
        from decoder.detector import Detector

        detectors = [Detector(self._signals) for _ in range(channels)]
        symbols: list[list[Symbol]] = [[] for _ in range(channels)]
        for block in blocks:
            for detector, mine, samples in zip(detectors, symbols, block, strict=True):
                mine += detector.feed(samples)
        for detector, mine in zip(detectors, symbols, strict=True):
            mine += detector.finish()
        return symbols

    def _print(self, heard: _Heard, symbols: Sequence[Sequence[Symbol]]) -> None:
        from receiver.commands.decoded import call_object, finding_object, findings, table

        call = heard.call
        found = [
            finding
            for channel, mine in zip(call.channels, symbols, strict=True)
            for finding in findings(channel.name, mine, channel.events, self.formats)
        ]
        found.sort(key=lambda finding: finding.place)
        name = click.format_filename(heard.file)
        if self.as_json:
            objects = [call_object(name, call)] if call.call else []
            objects += [finding_object(name, call.call or None, finding) for finding in found]
            _echo([_json(one) for one in objects])
        else:
            header = [shown(heard.file)] if heard.file != self._last_file else []
            self._last_file = heard.file
            _echo([*header, *table(call, found)])

    def _complain(self, path: Path, reason: str) -> None:
        self.faults += 1
        click.echo(f"yobirin: {shown(path)}: {reason}", err=True)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _echo(lines: Sequence[str]) -> None:
    if lines:
        click.echo("\n".join(lines))


def _nothing() -> Samples:
    from decoder.samples import silence

    return silence(0, 0)


def _pieces(samples: Samples) -> Iterator[Samples]:
    """The same sound in blocks, each with its own part of what was lost."""
    from decoder.samples import Samples, Span

    for first in range(0, len(samples.pcm), BLOCK):
        pcm = samples.pcm[first : first + BLOCK]
        start, end = samples.start + first, samples.start + first + len(pcm)
        inside = (one for one in samples.lost if one.start < end and start < one.end)
        yield Samples(start, pcm, tuple(Span(max(one.start, start), min(one.end, end)) for one in inside))
