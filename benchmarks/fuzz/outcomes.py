"""What may come out of a decoder, whatever went in: the documented values, and a bounded memory."""

from __future__ import annotations

import dataclasses
import enum
import gc
import math
import types
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from benchmarks.fuzz.symbols import heard_as, place
from decoder.exchange import Reader, Signal
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.reading import heard_before
from decoder.symbols import KEYS, Character, Digit, Row, Symbol

OBJECTS_MAX: Final = 30_000  # what a reader may hold on to, however long it has listened
OCTETS_MAX: Final = 1 << 20
TICKS_MAX: Final = 1_000  # between two symbols
CODE: Final = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, enum.Enum)


def results_of(reader: Reader, symbols: Iterable[Symbol], *, after: int = 1 << 24) -> list[Frame | Rejected]:
    """What a reader says to symbols, asked at its deadlines as on a call, and a long time after them."""
    results: list[Frame | Rejected] = []
    at = 0
    for symbol in symbols:
        results += _ticked(reader, heard_before(symbol))
        results += reader.hear(symbol)
        at = max(at, place(symbol))
    results += _ticked(reader, at + after)
    assert reader.deadline is None or reader.deadline > at + after
    return results


def _ticked(reader: Reader, until: int) -> list[Frame | Rejected]:
    results: list[Frame | Rejected] = []
    for _ in range(TICKS_MAX):
        due = reader.deadline
        if due is None or due > until:
            return results
        results += reader.tick(due)
    raise AssertionError(f"a deadline that never passes: {reader.deadline}")


def check_results(results: Sequence[Frame | Rejected], names: Iterable[str]) -> None:
    """Every field is what its docstring says it is."""
    known = set(names)
    for result in results:
        assert result.format in known, result
        assert type(result.start) is type(result.end) is int, result
        assert 0 <= result.start <= result.end, result
        if isinstance(result, Rejected):
            assert isinstance(result.reason, Reason), result
            check_line(result.evidence)
            continue
        assert 0 <= result.confidence <= 1, result
        assert result.raw, result
        assert all(0 <= one < len(result.raw) for one in result.recovered), result
        assert list(result.recovered) == sorted(set(result.recovered)), result
        assert result.qualifier in {one.value for one in Qualifier}, result
        for field in ("account", "code", "partition", "zone", "note"):
            assert isinstance(getattr(result, field), str), result


def check_symbols(symbols: Sequence[Symbol], length: int) -> None:
    """In the order of their ends, those of each modem for themselves, inside the call, of plain and finite numbers."""
    last: dict[frozenset[Signal], Symbol] = {}
    for one in symbols:
        before = last.get(heard_as(one), one)
        assert place(before) <= place(one), (before, one)
        last[heard_as(one)] = one
    for symbol in symbols:
        assert 0 <= symbol.start < symbol.end, symbol
        assert symbol.end <= length, (symbol, length)
        _check_values(symbol)
        if isinstance(symbol, Row):
            assert len(symbol.presence) == len(symbol.digits), symbol
        if isinstance(symbol, Digit):
            assert symbol.key in KEYS, symbol
            assert not symbol.likelihoods or max(symbol.likelihoods) == 0.0, symbol
        if isinstance(symbol, Character):
            assert 0 <= symbol.value <= 255, symbol


def _check_values(symbol: Symbol) -> None:
    for field in dataclasses.fields(symbol):
        value = getattr(symbol, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float):
                assert math.isfinite(one), (field.name, symbol)
            if field.name == "confidence":
                assert 0 <= one <= 1, symbol


def check_line(text: object) -> None:
    """What people are told is one line."""
    assert "\n" not in str(text), text


def check_memory(holder: object, *, octets: int = OCTETS_MAX) -> None:
    """What can be reached from it, code excepted, is bounded: in number, and in octets of sound and tables."""
    seen, waiting, arrays = {id(holder)}, [holder], 0
    while waiting:
        for one in gc.get_referents(waiting.pop()):
            if id(one) not in seen and not isinstance(one, CODE):
                seen.add(id(one))
                waiting.append(one)
                arrays += one.nbytes if isinstance(one, np.ndarray) else 0
        assert len(seen) <= OBJECTS_MAX, f"{type(holder).__name__} holds on to more than {OBJECTS_MAX} objects"
        assert arrays <= octets, f"{type(holder).__name__} holds on to {arrays} octets of arrays"
