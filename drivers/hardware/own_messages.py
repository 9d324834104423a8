"""What an installed receiver says of itself: its words sorted into kinds, so that a person knows what to look at. Pure.

Layout and words of type 0 (and of S without a block) are each firmware's own, and no list of them is public. The words
below are what such notices are about, in English; none rests on a capture. What fits no row is the receiver's own word
all the same, of kind `other`. Not understood, and so an emergency until somebody knows better: what is no word, what
looks like a message of a unit (`surgard.py`), what names a person's alarm. (`receiver-output.md` §1.2.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from decoder.frame import Qualifier

WORD: Final = re.compile("[A-Za-z]{3}")
OVER: Final = re.compile(r"\b(restor\w*|normal|ok|okay|cleared|recover\w*|on.?line|ended|closed)\b", re.I)
NOT_OVER: Final = re.compile(r"\b(not|no|never|un\w+|off.?line|abnormal)\b", re.I)

ALARM: Final = re.compile(  # the last three: another of us, which has no other way to say it
    r"\b(alarm|emergency|help|medical|panic|pendant|fall|fire|sos|account|reception|unknown)\b", re.I
)

KINDS: Final = (
    # kind, what it means in our words, how it is said
    ("computer", "the connection to this computer", r"computer|automation|host|ack\w*"),
    ("battery", "its battery or its uninterruptible supply", r"batt\w*|ups"),
    ("power", "its mains or its power supply", r"ac|power|mains|psu|voltage"),
    ("printer", "its printer or the paper in it", r"print\w*|paper"),
    ("memory", "its memory, its stored messages or its disk", r"mem\w*|buffer|ram|flash|disk|storage"),
    ("clock", "its clock", r"clock|date|rtc|ntp"),
    ("network", "its network connection", r"network|ethernet|lan|tcp|ip|nic|link"),
    ("start", "it was started anew, or is about to be", r"re?start\w*|reset|boot\w*|watchdog"),
    ("access", "somebody works on it: key, menu, settings", r"key|menu|password|log.?in|program\w*|config\w*|user"),
    ("card", "one of its cards or modules", r"card|module|cpm|dsp|slot|board"),
    ("line", "one of its telephone lines", r"line|phone|telco|tel|trunk|pstn|dial\w*|ring\w*"),
)
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """kind: of `KINDS`, or `other`; qualifier: RESTORE if something is surely over; words: as the receiver has them"""

    kind: str
    meaning: str
    qualifier: Qualifier
    words: str


def understood(words: str) -> OwnMessage | None:
    """None: it is no word, or somebody's alarm as far as we can tell."""
    plain = " ".join(words.split())
    if not WORD.search(plain) or ALARM.search(plain):
        return None
    found = ((kind, meaning) for kind, meaning, words in KINDS if re.search(rf"\b({words})\b", plain, re.I))
    kind, meaning = next(found, (OTHER, ""))
    over = OVER.search(plain) is not None and NOT_OVER.search(plain) is None
    return OwnMessage(kind, meaning, Qualifier.RESTORE if over else Qualifier.NEW, plain)
