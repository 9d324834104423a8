"""The # commands of Rockwell and early Conexant chips, before V.253.

Sound is bits and a rate instead of a numbered format: 8 bits linear (0x80 is silence) at 7200 or
11025 a second, rarely 8000. 2 and 4 bits are an ADPCM of Rockwell's own, which is not read. `#VLS=0` is
the telephone line, so the hook is `ATA` and `ATH`. Some chips stop receiving at any byte: `DLE !` holds one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.modem.dialects.dialect import Dialect, Rung
from drivers.modem.formats import RATES_HZ, Coding, SampleFormat, rates_of


def offers(lines: Sequence[str]) -> list[SampleFormat]:
    """The rates in the answer to `AT#VSR=?`; those that all chips have where it cannot be read."""
    rates = {rate for line in lines for rate in rates_of(line)} or {7200}
    return [SampleFormat(8, Coding.UNSIGNED, rate) for rate in RATES_HZ if rate in rates]


DIALECT: Final = Dialect(
    name="rockwell",
    trade_mark=None,
    class_query="#CLS",
    before_sound=(Rung(("AT#CLS=8",)), Rung(("AT&K3",), required=False), Rung(("AT#VBS=8",))),
    formats_query="AT#VSR=?",
    choose_format=(Rung(("AT#VSR={rate}",)),),
    after_sound=(
        Rung(("AT#VSS=0",), required=False),  # no silence detection
        Rung(("AT#VTD=3F,3F,3F",), required=False),  # digits are reported in every mode
        Rung(("AT#VLS=0",), required=False),  # the telephone line
    ),
    caller_id=("AT#CID=1",),
    answer="ATA",
    off_hook="ATH1",
    on_hook=("ATH",),
    receive="AT#VRX",
    transmit="AT#VTX",
    offers=offers,
)
