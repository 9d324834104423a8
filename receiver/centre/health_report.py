"""What the watch over ourselves has found, as events of the contract's store: the operators hear of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from receiver.errors import BadInput
from receiver.event import Draft

VERB: Final = "health.report"
KEY: Final = re.compile(r"[a-z][a-z_]{1,39}")
HOW: Final = ("began", "lasts", "over")
SAID_MAX: Final = 100
WORDS_MAX: Final = 300
FOR_THE_SUPERVISOR: Final = frozenset({"unit_weak"})
"""To be seen to in the next days; everything else is everybody's business at once."""


def drafts_of(args: Mapping[str, Any]) -> list[Draft]:
    """For each thing said a `health.reported`, and an `alert.raised` unless it is over. Raises BadInput."""
    said = args.get("said")
    if not isinstance(said, list) or not 0 < len(said) <= SAID_MAX:
        raise BadInput(f"{VERB}: 'said' must be an array of 1 to {SAID_MAX}")
    return [draft for one in said for draft in _drafts(one)]


def _drafts(said: Any) -> list[Draft]:
    if not isinstance(said, dict) or not all(
        isinstance(said.get(name), str) for name in ("key", "about", "says", "how")
    ):
        raise BadInput(f"{VERB}: each must have the texts 'key', 'about', 'says' and 'how'")
    key, about, says, how = said["key"], said["about"][:WORDS_MAX], said["says"][:WORDS_MAX], said["how"]
    if not KEY.fullmatch(key) or how not in HOW:
        raise BadInput(f"{VERB}: {key!r} {how!r} is nothing that can be reported")
    noted = {"intake": None, "type": f"{key}.{how}", "line": about or None, "reason": says}
    drafts = [Draft("health.reported", noted, actor="health")]
    if how != "over":
        level = "supervisor" if key in FOR_THE_SUPERVISOR else "all"
        alert = {"level": level, "text_key": key, "clause": "K-9.1", "line": None, "about": about, "says": says}
        drafts.append(Draft("alert.raised", alert, actor="health"))
    return drafts
