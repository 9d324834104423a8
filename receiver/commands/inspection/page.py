"""One page with everything: what was heard in two sentences, pictures, sound, tables. It asks nothing of the network.

What stands in it is in the file: nothing is looked up, and of the file's place only its name is told.
"""

from __future__ import annotations

import io
import wave
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from decoder.samples import RATE_HZ, Span
from receiver.commands.inspection.heard import HeardCall, HeardChannel
from receiver.commands.inspection.picture import picture
from receiver.commands.inspection.stretches import stretches
from receiver.commands.inspection.svg import svg, text
from receiver.commands.inspection.table import COLUMNS, UNITS, rows
from receiver.commands.inspection.words import Tally, line_words, seconds

PICTURES: Final = 300 * RATE_HZ  # samples drawn, of all calls together
SHEET: Final = 30 * RATE_HZ  # of one picture
SOUND_OCTETS: Final = 6_000_000  # of a call: six minutes in one direction
ROWS_MAX: Final = 2_000  # of a channel's table

POLICY: Final = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
STYLE: Final = """
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans JP", "Hiragino Sans", sans-serif; margin: 1.5em auto;
       max-width: 1480px; padding: 0 1em; color: #000; background: #fff }
h1 { font-size: 1.4em; overflow-wrap: anywhere } h2 { font-size: 1.15em; margin-top: 2em; overflow-wrap: anywhere }
h3 { font-size: 1em; margin-bottom: .2em; overflow-wrap: anywhere }
.sum { font-size: 1.1em } .picture { overflow-x: auto } .picture svg { width: 100%; min-width: 900px; height: auto }
table { border-collapse: collapse; font: 13px/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace }
th, td { padding: .1em .7em; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top }
th { text-align: right; background: #f2f2f2 } td.told, th.fact, td.fact { text-align: left; overflow-wrap: anywhere }
tr.frame td { font-weight: bold } tr.frame td span { font-weight: normal }
tr.rejected td { background: #fdf0e6 } tr.gap td { background: #f2f2f2 }
audio { width: 100%; max-width: 40em } .note { color: #555 } @media print { audio { display: none } }
"""
TERMS: Final = (
    ("level", "mean of a digit's two tones; 0 dBm0 lies 3.14 dB below full scale"),
    ("twist", "high tone minus low tone: below zero “normal”, above zero “reverse”"),
    ("freq.", "how far both tones are off, in the mean"),
    ("pause", "silence before the digit"),
    ("conf.", "0 … 1, that this key was sent and no other"),
    ("runner-up", "the next likely key; 2.3 nats behind: ten times less likely, 6.9: a thousand times"),
    ("as a whole", "digits sent evenly, heard together where single ones are in doubt"),
    ("not taken", "looked like a message, and was not: never acknowledged"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands at the top: of the file its name only."""

    name: str
    octets: int
    sha256: str
    version: str
    problems: Sequence[str] = ()


@dataclass(slots=True)
class Page:
    """Calls in, one after the other; the page out. Of a call only what is shown is kept."""

    all_of_it: bool
    _parts: list[str] = field(default_factory=list)
    _left: int = PICTURES

    def add(self, call: HeardCall) -> None:
        """Another call."""
        self._parts += _heading(call)
        self._parts += _sound(call)
        spans = stretches(call, self._left, all_of_it=self.all_of_it) if self._left > 0 else []
        drawn = sum(map(len, spans))
        self._left -= drawn
        for sheet in _sheets(spans):
            title = f"{seconds(sheet[0].start)} – {seconds(sheet[-1].end)} s"
            self._parts.append(f'<div class="picture">{svg(picture(call, sheet, [title]))}</div>')
        if drawn < len(call.part):
            self._parts.append(f'<p class="note">{_not_drawn(drawn, len(call.part))}</p>')
        for channel in call.channels:
            self._parts += _channel(channel)

    def html(self, facts: Facts, tally: Tally) -> str:
        """The whole page."""
        named = (("file", facts.name), ("octets", str(facts.octets)), ("SHA-256", facts.sha256))
        known = [*named, ("made by", f"yobirin {facts.version} inspect"), *(("problem", one) for one in facts.problems)]
        table = "".join(f'<tr><th class="fact">{text(a)}</th><td class="fact">{text(b)}</td></tr>' for a, b in known)
        terms = "".join(f'<tr><th class="fact">{text(a)}</th><td class="fact">{text(b)}</td></tr>' for a, b in TERMS)
        return "\n".join(
            [
                '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
                f"<title>{text(facts.name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
                f"<h1>{text(facts.name)}</h1>",
                f'<p class="sum">{text(tally.english())}</p>\n<p class="sum" lang="ja">{text(tally.japanese())}</p>',
                f"<table>{table}</table>",
                *self._parts,
                f"<h2>What the words mean</h2>\n<table>{terms}</table>",
                "</body>\n</html>\n",
            ]
        )


def _heading(call: HeardCall) -> Iterator[str]:
    about = call.call
    if about.call:
        began = (
            ""
            if about.started_utc_us is None
            else f", {datetime.fromtimestamp(about.started_utc_us / 1e6, UTC):%FT%TZ}"
        )
        yield f"<h2>call {text(about.call)}: {text(about.caller or '?')} → {text(about.called or '?')}{began}</h2>"
    if about.problem:
        yield f'<p class="note">{text(about.problem)}</p>'


def _sound(call: HeardCall) -> Iterator[str]:
    """The call as it was heard, to be played."""
    octets = 2 * min(len(call.channels), 2) * len(call.part)
    if octets > SOUND_OCTETS:
        yield '<p class="note">Too long to be played from here: name a part of it with --from and --to.</p>'
    elif octets:
        yield f'<audio controls src="data:audio/wav;base64,{b64encode(_wav(call)).decode()}"></audio>'


def _wav(call: HeardCall) -> bytes:
    import numpy as np

    (sound,) = call.sound([call.part])
    sound = sound[:2]
    together = np.zeros((len(call.part), len(sound)), "<i2")
    for place, samples in enumerate(sound):
        first = samples.start - call.part.start
        together[first : first + len(samples.pcm), place] = samples.pcm
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(sound))
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(together.tobytes())
    return out.getvalue()


def _sheets(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Spans in pictures of at most `SHEET`."""
    sheet: list[Span] = []
    for span in spans:
        start = span.start
        while start < span.end:
            room = SHEET - sum(map(len, sheet))
            if len(sheet) and room < min(span.end - start, SHEET // 5):
                yield sheet
                sheet = []
                continue
            sheet.append(Span(start, min(span.end, start + room)))
            start = sheet[-1].end
    if sheet:
        yield sheet


def _not_drawn(drawn: int, whole: int) -> str:
    return (
        f"{drawn / RATE_HZ:.0f} s of {whole / RATE_HZ:.0f} s are drawn: where something was heard, messages first. "
        "The rest: --from and --to."
    )


def _channel(channel: HeardChannel) -> Iterator[str]:
    yield f"<h3>{text(channel.name)}</h3>\n<p>{text(line_words(channel))}</p>"
    made = rows(channel)
    if not made:
        yield '<p class="note">Nothing was heard.</p>'
        return
    heads = "".join(f"<th>{text(name)}</th>" for name in ("seconds", *COLUMNS))
    units = "".join(f"<th>{text(unit)}</th>" for unit in ("", *UNITS))
    yield f"<table><thead><tr>{heads}</tr><tr>{units}</tr></thead><tbody>"
    for row in made[:ROWS_MAX]:
        if row.cells:
            cells = "".join(f"<td>{text(cell)}</td>" for cell in row.cells)
        else:
            told = "".join(f"<br><span>{text(line)}</span>" for line in row.lines[1:])
            cells = f'<td class="told" colspan="{len(COLUMNS)}">{text(row.lines[0])}{told}</td>'
        yield f'<tr class="{row.kind}"><td>{seconds(row.start)}</td>{cells}</tr>'
    yield "</tbody></table>"
    if len(made) > ROWS_MAX:
        yield f'<p class="note">{len(made) - ROWS_MAX} more: yobirin inspect --json.</p>'
