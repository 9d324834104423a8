"""Commands as they come over the socket."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.centre.command import Command, own_actor, parse
from receiver.errors import BadInput


def test_a_command_survives_its_line() -> None:
    command = Command("id-1", "os:root/訓練 看護師", "case.judge", {"case": 3, "a": "救急車を呼んで"}, 7)
    assert parse(command.to_line()) == command
    assert command.case == 3


@given(st.binary(max_size=200))
def test_any_line_is_a_command_or_bad_input(line: bytes) -> None:
    with suppress(BadInput):
        assert isinstance(parse(line), Command)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"id": 1, "actor": "a", "verb": "v"}',
        b'{"id": "i", "actor": "a", "verb": "v", "args": []}',
        b"\xff",
    ],
)
def test_what_is_no_command_says_so(line: bytes) -> None:
    with pytest.raises(BadInput):
        parse(line)


def test_nobody_speaks_in_another_account_s_name() -> None:
    command = Command("i", "os:somebody-else/看護師 鈴木", "case.accept")
    assert own_actor(command, "os:tanaka").actor == "os:tanaka/看護師 鈴木"
    assert own_actor(Command("i", "os:root", "case.accept"), "os:tanaka").actor == "os:tanaka"
