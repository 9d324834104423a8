"""Outputs that could not be driven are refused before anything starts, with one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.config import Config, LineConfig
from receiver.errors import BadInput
from receiver.output.ports import check, port_of
from tests.receiver.output.conftest import config


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"uri": "surgard:tcp://h?hartbeat=3"}, "unknown option 'hartbeat'"),
        ({"uri": "surgard:tcp://h?receiver=1"}, "receiver number has two digits"),
        ({"uri": "surgard:udp://h"}, "is no place"),
        ({"line_numbers": {"modem:a": "12"}}, "line number has one or three digits"),
        ({"uri": "ademco685:/dev/ttyS0", "line_numbers": {"modem:a": "001"}}, "line number has one digit"),
    ],
)
def test_a_bad_output_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        port_of(config(**settings))


def test_one_port_is_not_both_line_and_output(tmp_path: Path) -> None:
    line = LineConfig("surgard:/dev/ttyS0?baud=1200")
    output = config(uri="surgard:/dev/ttyS0")
    with pytest.raises(BadInput, match="a line of ours as well"):
        check(Config(tmp_path, lines=(line,), outputs=(output,)))
    check(Config(tmp_path, lines=(line,), outputs=(config(uri="surgard:/dev/ttyS1"),)))
