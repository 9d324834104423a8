"""ITU-T V.253 (and TIA IS-101, the same names): what most voice modems since 1997 speak."""

from __future__ import annotations

from typing import Final

from drivers.modem.dialects.dialect import FLOW_CONTROL, Dialect, Rung

AFTER_SOUND: Final = (
    Rung(("AT+VSD=128,0",), required=False),  # no silence detection: it would cut digits
    Rung(("AT+VGR=128",), required=False),  # 128 is 0 dB
    Rung(("AT+VGT=128",), required=False),
)
CHOOSE_FORMAT: Final = (Rung(("AT+VSM={number},{rate},0,0", "AT+VSM={number},{rate}")),)

DIALECT: Final = Dialect(
    name="v253",
    class_query="+FCLASS",
    before_sound=(
        Rung(("AT+FCLASS=8",)),  # voice; first, since some modems forget the rest when the class changes
        FLOW_CONTROL,
    ),
    formats_query="AT+VSM=?",
    choose_format=CHOOSE_FORMAT,
    after_sound=AFTER_SOUND,
    caller_id=("AT+VCID=1",),
    answer="AT+VLS=1",
    off_hook="AT+VLS=1",
    on_hook=("AT+VLS=0", "ATH"),
    receive="AT+VRX",
    transmit="AT+VTX",
    hook_query="AT+VLS?",
    tones=True,
)
