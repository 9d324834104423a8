"""docs/reference/intake.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from receiver.intake import drafts
from receiver.intake.call import EVERYWHERE, TRANSITIONS, State, What

TEXT = (Path(__file__).parents[3] / "docs/reference/intake.md").read_text(encoding="utf-8")


def word(one: State | What | None) -> str:
    return one.name.replace("_", " ").lower() if one is not None else "–"


def test_the_table_is_the_machines() -> None:
    rows = [(word(s), word(w), word(to), f"`{a.__name__}`") for (s, w), (to, a) in TRANSITIONS.items()]
    rows += [(word(w), word(to), f"`{a.__name__}`") for w, (to, a) in EVERYWHERE.items()]  # type: ignore[misc]
    missing = [row for row in rows if f"| {' | '.join(row)} |" not in TEXT]
    assert missing == []
    shown = re.findall(r"^\|.*\| `\w+` \|$", TEXT, re.MULTILINE)
    assert len(shown) == len(rows)


def test_every_event_is_described() -> None:
    source = Path(drafts.__file__).read_text(encoding="utf-8")
    types = set(re.findall(r'"((?:call|frame|kissoff|audio|recording)\.\w+)"', source))
    types |= {
        "line.fault",
        "line.healed",
        "line.refusing",
        "intake.started",
        "intake.stopped",
        "intake.refusing",
        "intake.accepting",
    }
    types |= {"clock.stepped", "storm.began", "storm.ended"}
    assert len(types) > 15
    assert {type_ for type_ in types if f"`{type_}`" not in TEXT} == set()
