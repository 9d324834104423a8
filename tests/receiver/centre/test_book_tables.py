"""The tables hold the very book that folding the whole journal makes, however the history went."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from receiver.centre.book_tables import BookProjection, load
from receiver.event import Record
from receiver.rules import book, case, timer
from receiver.rules.book import Book
from receiver.rules.trial import Told, rebuilt
from scenarios.konan.play import play
from scenarios.konan.story import Story, read

STORIES = read((Path(__file__).parents[3] / "scenarios/konan/cases.toml").read_text(encoding="utf-8"))

MEANING = (1, "b7285c899675b814")
"""`BookProjection.version`, and the digest of what folds an event. Whoever changes the meaning raises both."""


class InMemory:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def rows(self, sql: str) -> list[Any]:
        return self.db.execute(sql).fetchall()


def through_tables(journal: list[Told]) -> Book:
    """The book that comes back from tables folded event by event."""
    projection = BookProjection()
    with closing(sqlite3.connect(":memory:")) as db:
        projection.create(db)
        for told in journal:
            record = Record(
                told.seq, told.at_us, told.type, 1, told.subject, told.actor, told.payload, None, "", ""
            )  # fmt: skip
            projection.fold(db, record)
        return load(InMemory(db))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_story_leaves_the_same_book_in_the_tables(story: Story) -> None:
    journal = play(story).trial.journal
    assert through_tables(journal) == rebuilt(journal)


def test_the_order_of_what_is_open_is_kept_too() -> None:
    journal = max((play(story).trial.journal for story in STORIES), key=len)
    kept, folded = through_tables(journal), rebuilt(journal)
    assert [one.number for one in kept.open_cases()] == [one.number for one in folded.open_cases()]
    assert list(kept.timers()) == list(folded.timers())
    assert list(kept.tests()) == list(folded.tests())


def test_a_changed_meaning_of_events_has_a_new_version() -> None:
    """Tables that an older program folded are folded anew only if the version says so."""
    sources = b"".join(Path(module.__file__).read_bytes() for module in (book, case, timer))
    found = (BookProjection.version, hashlib.sha256(sources).hexdigest()[:16])
    assert found == MEANING, "raise BookProjection.version if an event means something else now; then note this here"
