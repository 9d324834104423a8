from __future__ import annotations

import pytest

from drivers.modem.dialects import DIALECTS, by_name
from drivers.modem.formats import Coding, SampleFormat
from drivers.modem.start import Start, Wanted

FORMATS = ['131,"8-BIT ULAW",8,0,8000,0,0']
V253 = {"AT+FCLASS=?": ["0,1,8"], "AT+VSM=?": FORMATS, "AT+VLS?": ["0"]}
ROCKWELL = {"AT+FCLASS=?": ["0,1,2"], "AT#CLS=?": ["0,1,8"], "AT#VSR=?": ["7200,11025"]}


def climb(
    refuses: set[str], says: dict[str, list[str]], wanted: Wanted | None = None
) -> tuple[list[str], str | None, Start]:
    """Every command that was sent, why it ended, and the climb. A modem refuses what begins so."""
    start, sent = Start(wanted or Wanted()), []
    while (command := start.command) is not None:
        sent.append(command)
        reason = start.answered(not command.startswith(tuple(refuses)), says.get(command, []))
        if reason is not None:
            return sent, reason, start
    return sent, None, start


def test_a_willing_modem() -> None:
    sent, reason, start = climb(set(), V253)
    assert reason is None
    assert sent == [
        "ATZ", "ATE0V1", "AT&D2", "ATI3", "AT+FCLASS=?", "AT+FCLASS=8", "AT+IFC=2,2", "AT+VSM=?", "AT+VSM=131,8000,0,0",
        "AT+VSD=128,0", "AT+VGR=128", "AT+VGT=128", "AT+VCDT=3", "AT+VCID=1", "AT+VLS=0", "AT+VLS?",
    ]  # fmt: skip
    assert start.ready is not None
    assert start.ready.format == SampleFormat(131, Coding.MU_LAW)
    assert (start.ready.dialect.name, start.ready.tells_hook) == ("v253", True)


OPTIONAL = {"AT&D2", "ATI3", "AT+FCLASS=?", "AT#CLS=?", "AT+IFC", "AT+VSD", "AT+VGR", "AT+VGT", "AT+VC", "AT+VLS?"}


def test_what_a_modem_may_not_know() -> None:
    sent, reason, start = climb(OPTIONAL | {"AT+VSM=131,8000,0,0"}, V253)
    assert reason is None
    assert {"AT&K3", "AT+VSM=131,8000"} <= set(sent)
    assert start.ready is not None
    assert not start.ready.tells_hook


@pytest.mark.parametrize("command", ["ATZ", "ATE0V1", "AT+VSM=?"])
def test_what_a_modem_must_know(command: str) -> None:
    sent, reason, _ = climb({command}, V253)
    assert sent[-1] == command
    assert reason == f"the modem answers ERROR to {command!r}"


def test_a_modem_that_cannot_hang_up() -> None:
    _, reason, _ = climb({"AT+VLS=0", "ATH"}, V253)
    assert reason == "the modem answers ERROR to 'ATH'"


def test_a_modem_that_holds_the_line() -> None:
    _, reason, _ = climb(set(), V253 | {"AT+VLS?": ["1"]})
    assert "off hook without a call" in str(reason)


def test_a_modem_without_usable_sound_says_what_it_has() -> None:
    _, reason, _ = climb(set(), V253 | {"AT+VSM=?": ['133,"2-BIT ADPCM",2,0,8000,0,0']})
    assert "no sound that we can read" in str(reason)
    assert "2-BIT ADPCM" in str(reason)


def test_a_format_that_is_listed_and_refused_is_not_the_end() -> None:
    formats = [*FORMATS, '128,"8-BIT LINEAR",8,0,(7200,8000,11025),0,0']
    _, reason, start = climb({"AT+VSM=131"}, V253 | {"AT+VSM=?": formats})
    assert reason is None
    assert start.ready is not None
    assert start.ready.format.number == 128


@pytest.mark.parametrize(
    ("refuses", "says", "dialect"),
    [
        (set(), V253, "v253"),
        (set(), V253 | {"ATI3": ["U.S. Robotics 56K Voice INT"]}, "usr"),
        ({"AT+FCLASS"}, ROCKWELL, "rockwell"),
        ({"AT+FCLASS=8"}, ROCKWELL, "rockwell"),
        ({"AT+FCLASS", "AT#CLS=?"}, ROCKWELL, "rockwell"),  # it knows the command and no question about it
    ],
)
def test_the_dialect_is_recognised(refuses: set[str], says: dict[str, list[str]], dialect: str) -> None:
    _, reason, start = climb(refuses, says)
    assert reason is None
    assert start.ready is not None
    assert start.ready.dialect.name == dialect


def test_rockwell_sound_is_bits_and_a_rate() -> None:
    sent, _, start = climb({"AT+FCLASS"}, ROCKWELL)
    assert sent[sent.index("AT#CLS=8") :][:5] == ["AT#CLS=8", "AT&K3", "AT#VBS=8", "AT#VSR=?", "AT#VSR=11025"]
    assert start.ready is not None
    assert start.ready.format == SampleFormat(8, Coding.UNSIGNED, 11025)


def test_a_data_modem_has_no_voice() -> None:
    _, reason, _ = climb({"AT+FCLASS=8", "AT#CLS"}, {"AT+FCLASS=?": ["0,1,2"]})
    assert reason == "the modem has no voice mode: it answers ERROR to 'AT+FCLASS=8' and 'AT#CLS=8'"


def test_what_is_wanted_is_not_asked_for() -> None:
    sent, reason, start = climb(set(), V253, Wanted("rockwell", Coding.SIGNED, "off"))
    assert reason is None
    assert not {"ATI3", "AT+VCDT=3", "AT#CID=1"} & set(sent)
    assert start.ready is not None
    assert (start.ready.dialect.name, start.ready.format.coding) == ("rockwell", Coding.SIGNED)


def test_dialects_by_name() -> None:
    assert [by_name(one.name) for one in DIALECTS] == list(DIALECTS)
    with pytest.raises(ValueError, match="dialect is usr, v253, rockwell"):
        by_name("hayes")
