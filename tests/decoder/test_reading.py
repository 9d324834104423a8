"""Several formats at once: frames first, complaints of the others dropped; the list of formats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decoder import checksum, registry
from decoder.exchange import Message
from decoder.formats import contact_id, template
from decoder.frame import Frame, Rejected
from decoder.reading import Reading, heard_before, read
from decoder.symbols import KEYS, Digit, Row


def fed(reading: Reading, keys: str) -> list[Frame | Rejected]:
    results = []
    for place, key in enumerate(keys):
        results += reading.hear(Digit(key, 4_000 + 800 * place, 4_400 + 800 * place, -10.0, 0.0, 0.0, 1.0))
    while reading.deadline is not None:
        results += reading.tick(reading.deadline)
    return results


def test_each_format_reads_its_own() -> None:
    both = [contact_id.FORMAT, template.FORMAT]
    (first,) = [one for one in fed(Reading(both), "123418110101001*") if isinstance(one, Frame)]
    assert first.format == "contact-id"
    keys = template.FORMAT.encode(Message("1234", "7"))
    (second,) = [one for one in fed(Reading(both), keys) if isinstance(one, Frame)]
    assert (second.format, second.account, second.code) == ("template", "1234", "7")


def test_a_whole_channel_is_read_as_on_a_call() -> None:
    """A row comes when it is long over: a message of single digits before it has been given by then."""
    message = [
        Digit(key, 4_000 + 800 * place, 4_400 + 800 * place, -10.0, 0.0, 0.0, 1.0)
        for place, key in enumerate("123418110101001*")
    ]
    soft = [replace(one, likelihoods=tuple(-20.0 * (key != one.key) for key in KEYS)) for one in message]
    row = Row(tuple(soft), (10.0,) * 16, 10.0, message[-1].end + 2_000)
    later = [Digit(one.key, one.start + 40_000, one.end + 40_000, -10.0, 0.0, 0.0, 1.0) for one in message]
    assert [heard_before(one) for one in (message[0], row)] == [4_000, message[-1].end + 2_000]
    for symbols in ([*message, *later], [*message, row, *later]):
        results = read(symbols, [contact_id.FORMAT])
        assert [(one.start, isinstance(one, Frame)) for one in results] == [(4_000, True), (44_000, True)]


@pytest.mark.parametrize("keys", ["123", "12345678", "12347*", "123456"])
def test_the_template_rejects_what_is_not_its_own(keys: str) -> None:
    (result,) = fed(Reading([template.FORMAT]), keys)
    assert isinstance(result, Rejected)


def test_the_template_says_what_it_cannot_say() -> None:
    with pytest.raises(ValueError, match="template"):
        template.FORMAT.encode(Message("12B4", "7"))


def test_the_list_of_formats() -> None:
    names = [known.name for known in registry.FORMATS]
    assert names[0] == "contact-id"
    assert len(set(names)) == len(names)
    assert registry.by_name("contact-id") is contact_id.FORMAT
    with pytest.raises(ValueError, match="contact-id"):
        registry.by_name("contact_id")


def test_the_check_digit_of_a_sum_that_is_right_already_is_f() -> None:
    assert checksum.contact_id_check("100618110100001") == "F"
    assert checksum.modulo_15("100618110100001F") == 0
