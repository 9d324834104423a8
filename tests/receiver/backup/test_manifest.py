"""A manifest is believed as it was written, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.backup.manifest import (
    Entry,
    JournalEntry,
    KeysEntry,
    Kind,
    Lock,
    Manifest,
    Missing,
    NoManifest,
    Role,
    check_path,
    check_seal,
    name_of,
    read,
    write,
)

SUM = "ab" * 32
MADE = Manifest(
    kind=Kind.JOURNALS,
    id="1f" * 16,
    installation="c0ffee",
    created_at_us=1_784_000_000_123_456,
    program="0.1.0",
    files=(
        Entry("intake/intake.db", Role.DATABASE, "data/intake/intake.db", 4096, SUM),
        Entry("intake/audio/呼.call", Role.FILE, "data/intake/audio/呼.call", 0, SUM, (17, 1_784_000_000_000_000_001)),
        Entry("intake", Role.ERASED, "erased/intake", 33, SUM),
    ),
    journals=(JournalEntry("intake", "intake/intake.db", 3, "cd" * 32, 3, None),),
    keys=(KeysEntry("intake", "00ff", 3, 1),),
    missing=(Missing("konan/store.db", "kaputt"),),
    keys_backup="20260714T031500Z-keys",
    lock=None,
)
LOCK = Lock("scrypt", "00" * 32, 65536, 8, 1, "11" * 32)
paths = (
    st.lists(
        st.text("abcß呼._-", min_size=1, max_size=6).filter(lambda t: t not in (".", "..")), min_size=1, max_size=4
    )
    .map("/".join)
    .filter(lambda path: not path.rpartition("/")[2].startswith("keys.db"))
)
entries = st.builds(
    Entry,
    paths,
    st.sampled_from(Role),
    paths,
    st.integers(0, 2**60),
    st.just(SUM),
    st.none() | st.tuples(st.integers(0, 2**60), st.integers(0, 2**63)),
)


def test_it_says_what_it_holds() -> None:
    assert read(write(MADE, None)) == MADE
    assert not MADE.complete
    assert name_of(Kind.KEYS, MADE.created_at_us) == "20260714T033320Z-keys"
    assert json.loads(write(MADE, None))["created_at"] == "2026-07-14T03:33:20.123456+00:00"


@given(
    st.lists(entries, max_size=6, unique_by=(lambda e: e.stored, lambda e: (e.role, e.path))), st.none() | st.just(LOCK)
)
def test_whatever_it_holds(files: list[Entry], lock: Lock | None) -> None:
    made = Manifest(Kind.JOURNALS, "id", "", 0, "v", tuple(files), lock=lock)
    text = write(made, b"k" * 32 if lock else None)
    assert read(text) == made
    if lock:
        check_seal(text, b"k" * 32)


TEXT = write(MADE, None)


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_one_altered_byte_is_found_or_says_nothing_else(at: int, change: int) -> None:
    altered = TEXT[:at] + bytes([TEXT[at] ^ change]) + TEXT[at + 1 :]
    try:
        assert read(altered) == MADE  # white space between the values
    except NoManifest:
        return


def test_every_cut_is_found() -> None:
    for at in range(len(TEXT.rstrip())):
        with pytest.raises(NoManifest):
            read(TEXT[:at])


def test_an_encrypted_one_is_sealed_under_its_key() -> None:
    text = write(Manifest(Kind.JOURNALS, "i", "", 0, "v", (), lock=LOCK), b"k" * 32)
    check_seal(text, b"k" * 32)
    for wrong in (text.replace(b'"v"', b'"w"'), text.replace(b"65536", b"65537")):
        with pytest.raises(NoManifest, match="altered"):
            check_seal(wrong, b"k" * 32)
    with pytest.raises(NoManifest, match="altered"):
        check_seal(text, b"x" * 32)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "", "a\nb", "a\\b", "a/./b", "..", "a\0b"],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(NoManifest):
        check_path(path)


def made(**change: object) -> dict[str, object]:
    body = json.loads(TEXT)
    del body["seal"]
    return {**body, **change}


def sealed(body: dict[str, object]) -> bytes:
    import hashlib

    from receiver.journal.record import canonical

    return json.dumps({**body, "seal": hashlib.sha256(canonical(body).encode()).hexdigest()}).encode()


def with_file(**change: object) -> dict[str, object]:
    first = {**json.loads(TEXT)["files"][0], **change}
    return made(files=[first, *json.loads(TEXT)["files"][1:]])


@pytest.mark.parametrize(
    "body",
    [
        made(yobirin_backup=2),
        made(kind="socks"),
        made(kind="keys"),
        made(created_at="yesterday"),
        made(created_at=5),
        made(files={}),
        made(files=[7]),
        made(files=json.loads(TEXT)["files"] * 2),
        made(journals=[]) | {"journals": [{**json.loads(TEXT)["journals"][0], "path": "elsewhere.db"}]},
        made(journals=json.loads(TEXT)["journals"] * 2),
        made(lock={"kdf": "rot13"}),
        with_file(path="../../etc/passwd"),
        with_file(stored="/etc/passwd"),
        with_file(path="intake/keys.db"),
        with_file(size=-1),
        with_file(size="4096"),
        with_file(size=True),
        with_file(sha256="AB" * 32),
        with_file(source=[1]),
        with_file(source=[1, "2"]),
        with_file(role="spare"),
    ],
)
def test_well_sealed_nonsense_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(NoManifest):
        read(sealed(body))


@given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_one_kind_of_error(text: bytes) -> None:
    with pytest.raises(NoManifest):
        read(text)
