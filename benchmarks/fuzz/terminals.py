"""Profiles of terminals: any text, any table, and what is learnt from any recordings."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_line, check_memory, check_results, results_of
from benchmarks.fuzz.symbols import HZ, message, repeated, symbols
from decoder.exchange import Format
from decoder.formats import profile
from decoder.learning import Channel, Recording, is_of_keys, learn
from decoder.profile_text import toml
from decoder.symbols import Symbol, Tone

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "profiles"
KEYS: Final = (
    "name", "maker", "model", "carrier", "greeting", "acknowledgement", "repeats", "message", "check", "timing",
    "codes", "modem", "tones", "pulses", "start", "end", "fields", "length", "alphabet", "value", "as", "kind",
    "form", "modulo", "complement", "offset", "values", "over", "on_ms", "off_ms", "end_pause_ms", "code",
    "qualifier", "words", "baud", "data_bits", "parity", "hz", "ms", "level_dbm0", "keys", "layout", "pps", "a",
    "0",
)  # fmt: skip
VALUES: Final = (
    "x", "", "pb", "fsk", "tones", "pulses", "check", "account", "code", "fixed", "sum", "xor", "crc16", "none", "hex",
    "even", "v23", "bell103", "v21", "3-1", "4-2", "*", "#", "\0", "\n", "一", "0123456789", "A" * 300, "digit",
    0, 1, -1, 2, 8, 16, 128, 10**9, 10**400, 1.5, 0.0, -0.0, 1e308, float("nan"), float("inf"), True, False,
    [], {}, [[]], [{}], [1], [1, 2], [2, 1], [0, 0], ["1", "2"],
)  # fmt: skip


def text(data: bytes) -> None:
    """A profile's file: ValueError in one line's worth, or a format."""
    try:
        known = profile.from_toml(data.decode("utf-8"))
    except (ValueError, RecursionError):  # both told by whoever reads the file
        return
    _used(known, Draw(data))


def table(data: bytes) -> None:
    """An example's table with some of it changed."""
    draw = Draw(data)
    values = copy.deepcopy(draw.choice(_tables()))
    for _ in range(draw.whole(1, 4)):
        _change(draw, values)
    try:
        known = profile.from_table(values)
    except ValueError:
        return
    _used(known, draw)


@cache
def _tables() -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.toml")))


def _change(draw: Draw, values: Any) -> None:
    """One value anywhere below is left out, replaced or put in."""
    for _ in range(6):
        if isinstance(values, list) and values:
            place: Any = draw.whole(0, len(values) - 1)
        elif isinstance(values, dict) and values:
            place = draw.choice(sorted(values))
        else:
            return
        if isinstance(values[place], dict | list) and values[place] and draw.chance(200):
            values = values[place]
            continue
        what = draw.whole(0, 7)
        if what == 0:
            del values[place]
        elif what == 1 and isinstance(values, dict):
            values[draw.choice(KEYS)] = values.pop(place)
        elif what == 2 and isinstance(values, dict):
            values[draw.choice(KEYS)] = copy.deepcopy(draw.choice(VALUES))
        elif what == 3 and isinstance(values, list):
            values.append(copy.deepcopy(values[place]))
        elif what == 4 and isinstance(values[place], int | float):
            values[place] = draw.choice((values[place] * 2, values[place] - 1, -values[place], draw.any_float()))
        else:
            values[place] = copy.deepcopy(draw.choice(VALUES))
        return


def _used(known: Format, draw: Draw) -> None:
    """What a profile has become is a format like any other."""
    try:
        one = message(draw)
        known.encode(one)
        if known.send is not None:
            known.send(one)
    except ValueError:
        pass
    heard = symbols(draw, 60)
    reader = known.reader()
    check_results(results_of(reader, repeated(heard, draw.whole(1, 3))), [known.name])
    check_memory(reader)


def learning(data: bytes) -> None:
    """Recordings of an unknown unit: ValueError, or a proposal that can be read as a profile."""
    draw, recordings = Draw(data), list[Recording]()
    for number in range(draw.whole(1, 4)):
        channels = []
        for name in ("left", "right")[: draw.whole(1, 2)]:
            heard = symbols(Draw(draw.octets(draw.choice((200, 60, 500, 0)))), 80)
            if recordings and draw.chance(128):
                heard = list(draw.choice(recordings).channels[0].symbols)  # units repeat themselves
            heard = [_near(one) for one in heard]
            channels.append(Channel(name, tuple(heard), tuple(one for one in heard if isinstance(one, Tone))))
        recordings.append(Recording(f"call {number}", tuple(channels)))
    is_of_keys(recordings)
    try:
        proposal = learn(recordings, accounts=("1234",) if draw.chance(128) else ())
    except ValueError as error:
        check_line(error)
        return
    written = toml(proposal.table, proposal.notes, ["learnt"])
    assert tomllib.loads(written) == proposal.table, written
    profile.from_table(proposal.table)


def _near(one: Symbol) -> Symbol:
    """A tone where tones are listened for."""
    return replace(one, hz=min(HZ[1:], key=lambda hz: abs(hz - one.hz))) if isinstance(one, Tone) else one
