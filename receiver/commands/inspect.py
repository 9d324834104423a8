"""`yobirin inspect FILE`: what was heard in one recording or capture, and why; as a table, a picture or a page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.errors import BadInput, shown

if TYPE_CHECKING:
    from decoder.samples import Span
    from receiver.commands.inspection.heard import HeardCall

END_S: Final = 1e9  # later than any recording


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the file is wanted."""

    channel: str | None
    call: str | None
    from_s: float
    to_s: float

    @property
    def part(self) -> Span:
        from decoder.samples import RATE_HZ, Span

        return Span(round(self.from_s * RATE_HZ), round(self.to_s * RATE_HZ))

    @property
    def is_a_part(self) -> bool:
        """Whether less than the whole file."""
        return self.from_s > 0 or self.to_s < END_S


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--channel", metavar="NAME", help="Only this direction: left, right, an RTP path, or 1, 2 ….")
@click.option("--call", metavar="ID", help="Only this call of a capture: its Call-ID, rtp-1 …")
@click.option(
    "--from", "from_s", metavar="S", type=click.FloatRange(0, END_S), default=0.0, help="From this second on."
)
@click.option("--to", "to_s", metavar="S", type=click.FloatRange(0, END_S), default=END_S, help="Up to this second.")
@click.option("--svg", metavar="OUT", type=click.Path(path_type=Path), help="Draw a picture that can be scaled.")
@click.option("--png", metavar="OUT", type=click.Path(path_type=Path), help="Draw the same picture in dots.")
@click.option("--html", metavar="OUT", type=click.Path(path_type=Path), help="Write one page with everything in it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of the table.")
@click.option("--raw", type=click.Choice(["ulaw", "alaw", "s16"]), help="The file is 8 kHz mono without a header.")
@click.pass_context
def inspect(
    context: click.Context,
    file: Path,
    channel: str | None,
    call: str | None,
    from_s: float,
    to_s: float,
    svg: Path | None,
    png: Path | None,
    html: Path | None,
    as_json: bool,
    raw: str | None,
) -> None:
    """Show what was heard in a recording (WAV) or a capture (pcap, pcapng), and why.

    Without --svg, --png or --html a table is printed: digits with level, twist, frequency error, length, pause and the
    next likely key; messages with what they say; candidates that were not taken, with the reason; and the line.

    Exit code: 0 all was heard; 1 the file is cut short, or not all of it could be heard; 2 nothing could be done.
    """
    if to_s <= from_s:
        raise BadInput(f"--from {from_s:g} --to {to_s:g}: nothing lies between")
    part = Wanted(channel, call, from_s, to_s)
    outputs = [out for out in (svg, png, html) if out is not None]
    for out in outputs:
        _check(out, file)
    listening = _Listening(file, raw, part)
    if outputs:
        _show(listening, svg, png, html)
    else:
        _print(listening, as_json)
    context.exit(1 if listening.problems else 0)


@dataclass(slots=True)
class _Listening:
    """A file being heard; tells what is wrong with it, once."""

    file: Path
    raw: str | None
    wanted: Wanted
    heard: int = 0
    problems: list[str] = field(default_factory=list)
    _others: list[str] = field(default_factory=list)  # what the file has, where not what was asked for

    def calls(self) -> Iterator[HeardCall]:
        """Raises BadInput if nothing can be heard at all."""
        from drivers.wav import UnreadableAudio
        from receiver.commands.inspection.heard import listen, sources

        try:
            for source in sources(self.file, self.raw, self._complain):
                if self.wanted.call not in (None, source.call.call):
                    self._others.append(f"call {source.call.call}")
                    continue
                names = [channel.name for channel in source.call.channels]
                chosen = [n for n, name in enumerate(names) if self.wanted.channel in (None, name, str(n + 1))]
                if not chosen and names:
                    self._others += [f"channel {name}" for name in names]
                    continue
                call = listen(source, self.wanted.part, chosen)
                if not len(call.part) and self.wanted.from_s:
                    self._others.append(f"less than {self.wanted.from_s:g} s of sound")
                    continue
                self.heard += 1
                yield call
        except UnreadableAudio as error:
            raise BadInput(f"{shown(self.file)}: {error}") from None
        except OSError as error:
            raise BadInput(f"{shown(self.file)}: {_reason(error)}") from None

    def must_have_heard(self) -> None:
        """Raises BadInput if what was asked for is not in the file."""
        if not self.heard:
            there = ", ".join(dict.fromkeys(self._others)) or "nothing"
            raise BadInput(f"{shown(self.file)}: not in it; there is {there}")

    def _complain(self, reason: str) -> None:
        self.problems.append(reason)
        click.echo(f"yobirin: {shown(self.file)}: {reason}", err=True)


def _reason(error: OSError) -> str:
    return {
        FileNotFoundError: "no such file; check the name",
        IsADirectoryError: "is a folder; name a file in it",
        PermissionError: "permission denied; give this account the right to use it",
    }.get(type(error), f"does not work ({error.strerror or error})")


def _check(out: Path, file: Path) -> None:
    """Before an hour is listened to: can it be written at all? Raises BadInput."""
    if out.is_dir():
        raise BadInput(f"{shown(out)}: is a folder; name a file in it")
    if not out.parent.is_dir():
        raise BadInput(f"{shown(out)}: there is no folder {shown(out.parent)}; make it first")
    if out.exists() and file.exists() and out.samefile(file):
        raise BadInput(f"{shown(out)}: is the recording itself; name another file")


def _print(listening: _Listening, as_json: bool) -> None:
    from receiver.commands.inspection.table import lines, objects

    for call in listening.calls():
        if not as_json and listening.heard == 1:
            click.echo(shown(listening.file))
        for line in lines(call) if not as_json else map(_json, objects(os.fspath(listening.file), call)):
            click.echo(line)
    listening.must_have_heard()


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _show(listening: _Listening, svg: Path | None, png: Path | None, html: Path | None) -> None:
    from receiver.commands.inspection.drawing import Drawing

    drawing = Drawing(shown(listening.file.name), listening.wanted.is_a_part, svg, png, html)
    for call in listening.calls():
        drawing.take(call)
    listening.must_have_heard()
    if drawing.calls > 1 and drawing.drawn is not None and (svg or png):
        click.echo(f"{drawing.calls} calls; drawn is {drawing.drawn.call.call}; --call draws another", err=True)
    try:
        for out, content in drawing.files(listening.file, listening.problems):
            try:
                out.write_bytes(content)
            except OSError as error:
                raise BadInput(f"{shown(out)}: {_reason(error)}") from None
    except OSError as error:
        raise BadInput(f"{shown(listening.file)}: {_reason(error)}") from None
    click.echo(drawing.tally.english())
