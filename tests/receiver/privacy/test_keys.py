"""One key per subject: durable before use, unreadable once erased, useless without the installation's key."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver.errors import StoreUnavailable
from receiver.privacy.keys import KeyRing

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "konan" / "keys.db"


def test_a_key_is_durable_and_readable_by_others_once_ensured(path: Path) -> None:
    ring = KeyRing.open(path, KEY)
    ring.ensure("s")
    ring.ensure("s")
    reader = KeyRing.open(path, KEY, writable=False)
    assert reader.key("s") == ring.key("s") is not None
    assert reader.key("other") is None
    with pytest.raises(StoreUnavailable, match="reading only"):
        reader.ensure("other")


def test_prepared_keys_share_one_commit(path: Path) -> None:
    ring, other = KeyRing.open(path, KEY), KeyRing.open(path, KEY, writable=False)
    prepared = {subject: ring.prepare(subject) for subject in "abc"}
    assert prepared == {subject: ring.prepare(subject) for subject in "abc"}
    assert [other.key(subject) for subject in "abc"] == [None] * 3
    ring.commit()
    assert {subject: other.key(subject) for subject in "abc"} == prepared


def test_what_is_erased_stays_erased_and_leaves_no_copy(path: Path) -> None:
    ring = KeyRing.open(path, KEY)
    for subject in ("kept", "gone"):
        ring.ensure(subject)
    (wrapped,) = ring._row("gone") or (None,)
    assert wrapped is not None
    assert any(wrapped in file.read_bytes() for file in path.parent.iterdir())
    ring.erase("gone")
    assert not any(wrapped in file.read_bytes() for file in path.parent.iterdir())
    ring.close()
    again = KeyRing.open(path, KEY)
    assert (again.key("gone"), again.erased("gone"), again.erased("kept")) == (None, True, False)
    assert again.key("kept") is not None
    with pytest.raises(ValueError, match="erased"):
        again.ensure("gone")


def test_another_installations_key_is_named_as_the_reason(path: Path) -> None:
    KeyRing.open(path, KEY).ensure("s")
    for writable in (True, False):
        with pytest.raises(StoreUnavailable, match="another installation's key"):
            KeyRing.open(path, bytes(32), writable=writable)


def test_a_swapped_key_is_refused(path: Path) -> None:
    ring = KeyRing.open(path, KEY)
    for subject in "ab":
        ring.ensure(subject)
    ring._writer().execute("UPDATE key SET wrapped = (SELECT wrapped FROM key WHERE subject = 'a')")
    assert ring.unreadable() == ["b"]
    with pytest.raises(StoreUnavailable):
        ring.key("b")


def test_digests_depend_on_kind_and_ring_and_survive_reopening(path: Path, tmp_path: Path) -> None:
    ring = KeyRing.open(path, KEY)
    digest = ring.digest("phone", "0775551234")
    assert digest == KeyRing.open(path, KEY, writable=False).digest("phone", "0775551234")
    assert digest != ring.digest("account", "0775551234")
    assert digest != KeyRing.open(tmp_path / "nerima" / "keys.db", KEY).digest("phone", "0775551234")


def test_spare_subjects_have_durable_keys_before_they_are_asked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = KeyRing.open(path, KEY, spare=8)
    reader = KeyRing.open(path, KEY, writable=False)
    commit, committers = ring._commit, []

    def committed(sql: str, rows: list[tuple[object, ...]]) -> None:
        committers.append(threading.current_thread().name)
        commit(sql, rows)

    monkeypatch.setattr(ring, "_commit", committed)
    given = []
    for _ in range(40):
        given.append(ring.random_subject())
        assert reader.key(given[-1]) is not None
        ring.ensure(given[-1])
        for thread in threading.enumerate():
            if thread.name == "spare keys":
                thread.join()
    assert len(set(given)) == 40
    assert set(committers) == {"spare keys"}


def test_a_commit_that_needs_no_new_key_does_not_wait_for_spare_ones(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = KeyRing.open(path, KEY, spare=8)
    commit, syncing, may_end = ring._commit, threading.Event(), threading.Event()

    def slow(sql: str, rows: list[tuple[object, ...]]) -> None:
        syncing.set()
        may_end.wait(10)
        commit(sql, rows)

    monkeypatch.setattr(ring, "_commit", slow)
    for _ in range(8):
        given = ring.random_subject()
    assert syncing.wait(10)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(ring.ensure, given)
        try:
            done.result(timeout=5)
        finally:
            may_end.set()


def test_many_threads_get_one_key(path: Path) -> None:
    ring = KeyRing.open(path, KEY)

    def ensured(subject: str) -> bytes | None:
        ring.ensure(subject)
        return ring.key(subject)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ensured, [f"s{n % 10}" for n in range(80)]))
    assert len(set(found)) == 10


def test_reading_without_keys_or_with_rubbish_says_so(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no keys here"):
        KeyRing.open(path, KEY, writable=False)
    path.parent.mkdir()
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreUnavailable, match="keys cannot be opened"):
        KeyRing.open(path, KEY)
