"""Nothing in an encrypted file can be altered, cut, moved or repeated unnoticed; a wrong key is one clear line."""

from __future__ import annotations

import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.backup import cipher as ciphers
from receiver.backup.cipher import Cipher, Sealed, Secret
from receiver.errors import BadInput

CHUNK = 64
FILE_KEY = Secret("hkdf", b"k" * 32)


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> object:
    patch = pytest.MonkeyPatch()
    patch.setattr(ciphers, "CHUNK", CHUNK)
    yield None
    patch.undo()


def cipher(seed: int = 1) -> Cipher:
    return FILE_KEY.cipher(entropy=random.Random(seed).randbytes)


def seal(plain: bytes, path: str = "file:a", piece: int = 50) -> bytes:
    pieces = (plain[at : at + piece] for at in range(0, len(plain), piece))
    return b"".join(cipher().sealed(pieces, path))


def opened(stored: bytes, path: str = "file:a") -> bytes:
    return b"".join(cipher().opened(BytesIO(stored), path))


@given(st.integers(0, 5 * CHUNK), st.integers(1, 3 * CHUNK))
def test_what_was_sealed_is_opened(size: int, piece: int) -> None:
    plain = random.Random(size).randbytes(size)
    stored = seal(plain, piece=piece)
    assert opened(stored) == plain
    assert plain[:16] not in stored or size < 4


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_every_flipped_bit_and_every_cut_is_found(size: int) -> None:
    stored = seal(bytes(size))
    for at in range(len(stored)):
        with pytest.raises(Sealed):
            opened(stored[:at] + bytes([stored[at] ^ (1 << at % 8)]) + stored[at + 1 :])
        with pytest.raises(Sealed):
            opened(stored[:at])
    with pytest.raises(Sealed):
        opened(stored + b"\0")


def test_chunks_cannot_be_dropped_repeated_or_moved() -> None:
    stored = seal(random.Random(3).randbytes(4 * CHUNK))
    head, step = 40, CHUNK + 16
    chunks = [stored[at : at + step] for at in range(head, len(stored), step)]
    for order in ([1, 2, 3], [0, 1, 2], [0, 1, 1, 2, 3], [1, 0, 2, 3], [0, 1, 2, 3, 3], [3]):
        with pytest.raises(Sealed):
            opened(stored[:head] + b"".join(chunks[n] for n in order))


def test_a_file_opens_only_as_itself() -> None:
    with pytest.raises(Sealed):
        opened(seal(b"konan"), "file:b")
    with pytest.raises(Sealed):
        b"".join(cipher(seed=2).opened(BytesIO(seal(b"konan")), "file:a"))


def test_two_files_of_one_content_have_nothing_in_common() -> None:
    made = cipher()
    one, other = (b"".join(made.sealed([bytes(200)], "file:a")) for _ in range(2))
    assert one[36:] != other[36:]
    assert not set(one[40:].split(b"\0\0\0\0")) & set(other[40:].split(b"\0\0\0\0")) - {b""}


def test_a_wrong_key_is_told_from_an_altered_backup(tmp_path: Path) -> None:
    passphrase = Secret.passphrase("correct horse battery")
    lock = passphrase.cipher().lock
    assert passphrase.cipher(lock).seal_key == Secret.passphrase("correct horse battery").cipher(lock).seal_key
    with pytest.raises(BadInput, match="wrong key: this is not the passphrase"):
        Secret.passphrase("incorrect horse battery").cipher(lock)
    with pytest.raises(BadInput, match="encrypted under the passphrase, and the key file was given"):
        FILE_KEY.cipher(lock)
    with pytest.raises(BadInput, match="wrong key: this is not the key file"):
        Secret("hkdf", b"x" * 32).cipher(FILE_KEY.cipher().lock)


@pytest.mark.parametrize(
    "change", [{"n": 2**30}, {"r": 1000}, {"p": 99}, {"n": 3}, {"n": 0}, {"salt": "zz"}, {"n": -1}]
)
def test_a_manifest_cannot_ask_for_the_whole_machine(change: dict[str, object]) -> None:
    lock = replace(Secret.passphrase("correct horse battery").cipher().lock, **change)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="names no usable derivation"):
        Secret.passphrase("correct horse battery").cipher(lock)


def test_weak_secrets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 12"):
        Secret.passphrase("short")
    file = tmp_path / "key"
    with pytest.raises(BadInput, match="cannot be read"):
        Secret.key_file(file)
    file.write_text("abc\n")
    with pytest.raises(BadInput, match="openssl rand"):
        Secret.key_file(file)
    file.write_text("ab" * 32)
    with_newline = tmp_path / "other"
    with_newline.write_text("ab" * 32 + "\n")
    assert Secret.key_file(file) == Secret.key_file(with_newline)
    assert "ab" not in repr(Secret.key_file(file))
