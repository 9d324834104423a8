"""`yobirin profile …`: terminals described in TOML: check a file, try it on recordings, learn one from recordings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from receiver.errors import BadInput, PartlyDone, shown
from receiver.formats import load

if TYPE_CHECKING:
    from decoder.exchange import Format, Signal
    from decoder.frame import Frame, Rejected
    from decoder.learning import Proposal, Recording
    from decoder.profiles import Profile
    from decoder.symbols import Symbol
    from drivers.call_audio import CallAudio

LONGEST: Final = 8_000 * 3_600  # samples of a recording
FOLDER: Final = "profiles"

files = click.argument("paths", nargs=-1, required=True, metavar="RECORDING…", type=click.Path(path_type=Path))


@click.group()
def profile() -> None:
    """Terminals described in TOML (docs/reference/profiles.md)."""


@profile.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Read profiles and say what they are, and what may go wrong with them."""
    for path in paths:
        read, _ = load(path)
        click.echo(f"{shown(path)}: {_words(read)}")
        for warning in _warnings(read):
            click.echo(f"  note: {warning}")


@profile.command(name="list")
@click.argument("folder", required=False, default=FOLDER, type=click.Path(path_type=Path))
def list_profiles(folder: Path) -> None:
    """Profiles of a folder, ./profiles by default; those that cannot be read are told on stderr."""
    if not folder.is_dir():
        raise BadInput(f"{shown(folder)}: no such folder; name one with profiles in it")
    faults = 0
    for path in sorted(folder.glob("*.toml")):
        try:
            read, _ = load(path)
        except BadInput as error:
            faults += 1
            click.echo(f"yobirin: {error}", err=True)
            continue
        click.echo("\t".join([read.name, read.carrier.value, read.maker or "-", read.model or "-", shown(path)]))
    if faults:
        raise PartlyDone(f"{faults} profiles in {shown(folder)} cannot be read")


@profile.command(name="try")
@click.argument("path", metavar="PROFILE", type=click.Path(path_type=Path))
@files
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (docs/reference/decode-json.md).")
def try_profile(path: Path, paths: tuple[Path, ...], as_json: bool) -> None:
    """Read recordings with a profile and nothing else.

    Exit code: 0 every recording gives a frame; 1 some do not, or cannot be read.
    """
    _, known = load(path)
    silent = unread = 0
    for recording in paths:
        try:
            calls = list(_calls([recording]))
        except BadInput as error:
            if len(paths) == 1:
                raise
            unread += 1
            click.echo(f"yobirin: {error}", err=True)
            continue
        silent += sum(not _tried(recording, call, known, as_json) for _, call in calls)
    if unread == len(paths):
        raise BadInput("none of these recordings can be read")
    if silent or unread:
        raise PartlyDone(f"{silent} recordings give no frame with {shown(path)}, {unread} cannot be read")


def _tried(recording: Path, call: CallAudio, known: Format, as_json: bool) -> bool:
    """Print what a profile reads in a call; returns whether there is a frame."""
    from decoder.reading import read

    found = [
        (channel.name, result)
        for channel, symbols in zip(call.channels, _heard(call, known), strict=True)
        for result in read(symbols, [known])
    ]
    for line in _lines(recording, call, found, as_json):
        click.echo(line)
    return any(_is_frame(result) for _, result in found)


@profile.command()
@files
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the profile there; else to stdout.")
@click.option("--name", default="learned", metavar="NAME", help="The profile's name; default: learned.")
@click.option(
    "--account", "accounts", multiple=True, metavar="CODE", help="A number that a unit of these recordings has."
)
def learn(paths: tuple[Path, ...], out: Path | None, name: str, accounts: tuple[str, ...]) -> None:
    """Propose a profile for the unknown unit in some recordings, and say what is unsure about it.

    A recording is one call of one unit. The more units and the more different messages, the better: what never changes
    cannot be told from what is fixed. Both directions in channels of their own show greeting and acknowledgement.
    """
    from decoder.learning import learn as propose
    from decoder.profile_text import toml

    recordings = _recordings(paths)
    try:
        proposal = propose(recordings, name=name, accounts=accounts)
        agreed = _agreement(proposal, recordings)
    except ValueError as error:
        raise BadInput(f"{len(recordings)} recordings: {error}") from None
    head = [
        f"Proposed by `yobirin profile learn` from {len(recordings)} recordings: messages in {proposal.heard} of them;",
        f"this profile reads a frame in {agreed} of them.",
        "What it is not sure of says so. Try it: yobirin profile try FILE RECORDING…",
        *(f"account given: {account}" for account in accounts),
    ]
    text = toml(proposal.table, proposal.notes, head)
    if out is None:
        click.echo(text, nl=False)
        return
    _write(out, text)
    unsure = sum(note.startswith("unsure") for notes in proposal.notes.values() for note in notes)
    click.echo(f"{shown(out)}: reads {agreed} of {len(recordings)} recordings; {unsure} remarks marked unsure")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput(f"{shown(path)}: is there already; name another file or remove it") from None
    except OSError as error:
        raise BadInput(f"{shown(path)}: cannot be written ({error.strerror or error})") from None


def _words(read: Profile) -> str:
    what = " ".join(filter(None, [read.maker, read.model]))
    checked = f"check {read.check.kind}" if read.check else f"no check, heard {read.repeats} times"
    if read.pulsed is not None:
        checked = f"layout {read.pulsed.layout}"
    return f"{read.name}{f' ({what})' if what else ''}: {read.carrier.value}, {checked}, {len(read.codes)} codes"


def _warnings(read: Profile) -> Iterator[str]:
    if read.pulsed is None:
        if read.check is None and read.repeats == 1:
            yield "no check and no repetition: nothing tells a wrong message from a right one"
        if not read.start and not read.end:
            yield "nothing frames its messages: any as long is taken for one; give it a line of its own"
        names = {one.name for one in read.fields}
        if "account" not in names:
            yield "no field 'account': who calls is known by the number of the telephone alone"
        if "code" not in names:
            yield "no field 'code': every message means the same"
    if not read.greeting:
        yield "no greeting: the unit must speak first"
    if not read.acknowledgement:
        yield "no acknowledgement: the unit never learns that it was heard"
    if not read.codes:
        yield "no codes: events carry the device's own codes"


def _calls(paths: Sequence[Path]) -> Iterator[tuple[Path, CallAudio]]:
    """Every call of some recordings and captures. Raises BadInput for what cannot be read."""
    from drivers.recording import is_capture, read_capture
    from drivers.wav import UnreadableAudio, open_wav

    for path in paths:
        try:
            if path.exists() and not path.is_file():
                raise BadInput(f"{shown(path)}: is no file; name recordings")
            if not is_capture(path) and open_wav(path).layout.duration_samples > LONGEST:
                raise BadInput(f"{shown(path)}: longer than an hour; cut the call out of it")
            calls = read_capture(path)
        except UnreadableAudio as error:
            raise BadInput(f"{shown(path)}: {error}") from None
        except FileNotFoundError:
            raise BadInput(f"{shown(path)}: no such file; check the name") from None
        except OSError as error:
            raise BadInput(f"{shown(path)}: cannot be read ({error.strerror or error})") from None
        for call in calls:
            if call.channels:
                yield path, call


def _heard(call: CallAudio, known: Format) -> list[list[Symbol]]:
    """The symbols of each channel, those of events included."""
    from decoder.detector import detect_batch
    from decoder.witnesses import merged_stream

    heard = detect_batch([channel.samples for channel in call.channels], known.signals)
    return [merged_stream(symbols, channel.events) for symbols, channel in zip(heard, call.channels, strict=True)]


def _is_frame(result: Frame | Rejected) -> bool:
    from decoder.frame import Frame

    return isinstance(result, Frame)


def _lines(path: Path, call: CallAudio, found: Sequence[tuple[str, Frame | Rejected]], as_json: bool) -> Iterator[str]:
    from decoder.frame import Frame
    from decoder.samples import RATE_HZ
    from receiver.commands.decoded import Finding, finding_object

    if as_json:
        for channel, result in found:
            finding = Finding(channel, result, "sound")
            yield json.dumps(finding_object(os.fspath(path), call.call or None, finding), ensure_ascii=False)
        return
    yield f"{shown(path)}{f', call {call.call}' if call.call else ''}"
    for channel, result in found:
        at = f"{result.start / RATE_HZ:10.3f} – {result.end / RATE_HZ:.3f} s  [{channel}]"
        if isinstance(result, Frame):
            said = f"account {result.account or '-'}  event {result.qualifier}{result.code or '-'}"
            said += f"  partition {result.partition or '-'}  zone {result.zone or '-'}"
            note = f"  ({result.note})" if result.note else ""
            yield f"{at}  FRAME    {result.raw}  {said}  confidence {result.confidence:.2f}{note}"
        else:
            yield f"{at}  rejected {result.best}: {result.reason.value}, {result.evidence}"
    if not found:
        yield "       nothing that looks like a message"


def _recordings(paths: Sequence[Path]) -> list[Recording]:
    """Calls with all that can be heard in them; modems only where no keys are heard in most."""
    from decoder.detector import LISTENERS
    from decoder.exchange import Signal
    from decoder.learning import is_of_keys

    calls = list(_calls(paths))
    plain = frozenset({Signal.DTMF, Signal.PULSES})
    recordings = [_recording(path, call, plain) for path, call in calls]
    if is_of_keys(recordings):
        return recordings
    return [_recording(path, call, frozenset({Signal.DTMF, *LISTENERS})) for path, call in calls]


def _recording(path: Path, call: CallAudio, signals: frozenset[Signal]) -> Recording:
    from decoder.detector import detect_batch
    from decoder.learning import Channel, Recording
    from decoder.pure_tones import pure_tones
    from decoder.witnesses import merged_stream

    heard = detect_batch([channel.samples for channel in call.channels], signals)
    channels = tuple(
        Channel(channel.name, tuple(merged_stream(symbols, channel.events)), tuple(pure_tones(channel.samples.pcm)))
        for channel, symbols in zip(call.channels, heard, strict=True)
    )
    return Recording(f"{shown(path)} {call.call}".strip(), channels)


def _agreement(proposal: Proposal, recordings: Sequence[Recording]) -> int:
    """In how many recordings the proposed profile reads a frame."""
    from decoder.formats.profile import from_table
    from decoder.reading import read

    known = from_table(proposal.table)
    return sum(
        any(_is_frame(result) for channel in one.channels for result in read(channel.symbols, [known]))
        for one in recordings
    )
