"""US Robotics (Sportster and Courier with voice): the +V commands, forgotten now and then.

They lose voice settings when the class changes, so these are sent again before each call; flow
control is `&H1&R2`; while playing and recording they report dial tones that nobody else hears.
"""

from __future__ import annotations

import re
from typing import Final

from drivers.modem.dialects.dialect import Dialect, Rung
from drivers.modem.dialects.v253 import AFTER_SOUND, CHOOSE_FORMAT

DIALECT: Final = Dialect(
    name="usr",
    trade_mark=re.compile(r"U\.?\s?S\.?\s?R(OBOTICS)?\b|SPORTSTER|COURIER|3COM", re.I),
    class_query="+FCLASS",
    before_sound=(Rung(("AT+FCLASS=8",)), Rung(("AT&H1&R2", "AT+IFC=2,2", "AT&K3"), required=False)),
    formats_query="AT+VSM=?",
    choose_format=CHOOSE_FORMAT,
    after_sound=AFTER_SOUND,
    caller_id=("AT+VCID=1", "AT#CID=1"),
    before_answer=("AT+FCLASS=8", "AT+VSM={number},{rate}"),
    answer="AT+VLS=1",
    off_hook="AT+VLS=1",
    on_hook=("AT+VLS=0", "ATH"),
    receive="AT+VRX",
    transmit="AT+VTX",
    hook_query="AT+VLS?",
    tones=True,
    spurious_dial=True,
)
