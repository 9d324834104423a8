"""Whatever was altered in a backup, verify finds and names it; and a sound one is called sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.backup import places
from receiver.backup.cipher import Secret
from receiver.backup.shelf import Backup, open_backup
from receiver.backup.verify import Report, verify
from receiver.errors import BadInput

SECRET = Secret("hkdf", b"k" * 32)


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Report]:
    def looked(backup: Backup, secret: Secret | None = None) -> Report:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        report = verify(open_backup(backup.folder), backup.cipher(secret) if secret else None, scratch)
        assert not list(scratch.iterdir())
        return report

    return looked


@pytest.mark.parametrize("secret", [None, SECRET], ids=["clear", "encrypted"])
def test_a_sound_backup(site: Any, look: Callable[..., Report], secret: Secret | None) -> None:
    site.call()
    made = site.back_up(secret=secret)
    report = look(made.journals, secret)
    assert (report.findings, report.notes, sorted(report.walked)) == ([], [], ["intake", "konan"])
    assert (report.files, report.bytes) == (len(made.journals.manifest.files), made.journals.manifest.bytes)
    assert look(made.keys, secret).findings == []
    before = {file: file.stat().st_mtime_ns for file in made.journals.folder.rglob("*")}
    look(made.journals, secret)
    assert {file: file.stat().st_mtime_ns for file in made.journals.folder.rglob("*")} == before


@pytest.mark.parametrize("secret", [None, SECRET], ids=["clear", "encrypted"])
@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "longer", "missing"])
def test_each_damaged_file_is_named(
    site: Any, look: Callable[..., Report], secret: Secret | None, with_key: bool, damage: str
) -> None:
    site.call()
    made = site.back_up(secret=secret)
    for backup in (made.journals, made.keys):
        for entry in backup.manifest.files:
            file = backup.folder / entry.stored
            content = file.read_bytes()
            if not content and damage in ("flipped", "cut", "emptied"):
                continue
            file.unlink()
            at = len(content) // 2
            damaged: bytes | None = {
                "flipped": content[:at] + bytes(byte ^ 0x10 for byte in content[at : at + 1]) + content[at + 1 :],
                "cut": content[:-1],
                "emptied": b"",
                "longer": content + b"\0",
            }.get(damage)
            if damaged is not None:
                file.write_bytes(damaged)
            (finding,) = look(backup, secret if with_key else None).findings
            assert finding.startswith(f"{entry.stored}: ")
            file.write_bytes(content)
    assert look(made.journals, secret).findings == []


def test_files_of_two_backups_cannot_be_exchanged(site: Any, look: Callable[..., Report]) -> None:
    """Both open under the same key; the sums in the sealed manifest tell them apart."""
    site.call()
    older, (stored,) = site.back_up(secret=SECRET), ["data/intake/intake.db.sealed"]
    site.call()
    newer = site.back_up(secret=SECRET)
    (newer.journals.folder / stored).write_bytes((older.journals.folder / stored).read_bytes())
    (finding,) = look(newer.journals, SECRET).findings
    assert finding.startswith(stored)


def test_a_journal_with_another_head_than_noted_is_found(site: Any, look: Callable[..., Report]) -> None:
    """As if the copy had been made of something else: its sum fits, its chain and its head do not."""
    from dataclasses import replace

    from receiver.backup import manifest as manifests

    site.call()
    made = site.back_up()
    file = made.journals.folder / "data/intake/intake.db"
    for change, finding in (
        ("DELETE FROM event WHERE seq = 3", "ends with record 2 (2 of them), and the manifest notes 3 (3)"),
        ("UPDATE event SET at_us = 0 WHERE seq = 1", "record 1: its hash does not match"),
    ):
        content = file.read_bytes()
        db = sqlite3.connect(file)
        triggers = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(change)
        for sql in triggers.values():
            db.execute(sql)
        db.commit()
        db.close()
        size, sha256 = places.summed(file)
        files = tuple(
            replace(entry, size=size, sha256=sha256) if entry.path == "intake/intake.db" else entry
            for entry in made.journals.manifest.files
        )
        text = manifests.write(replace(made.journals.manifest, files=files), None)
        (made.journals.folder / manifests.NAME).write_bytes(text)
        assert any(finding in found for found in look(made.journals).findings), look(made.journals).findings
        file.write_bytes(content)


def test_missing_and_foreign_files_are_told(site: Any, look: Callable[..., Report]) -> None:
    site.call()
    (site.installation.data / "konan" / "letter").write_text("x")
    made = site.back_up()
    (made.journals.folder / "data" / "stranger").write_text("x")
    report = look(made.journals)
    assert (report.findings, report.notes) == ([], ["data/stranger: is not of this backup"])


def test_an_encrypted_one_without_its_key_is_looked_at_from_outside(site: Any, look: Callable[..., Report]) -> None:
    site.call()
    report = look(site.back_up(secret=SECRET).journals)
    assert (report.findings, report.walked) == ([], [])
    assert "only sums were looked at" in report.notes[0]


def test_an_altered_manifest_of_an_encrypted_one_is_told_from_a_wrong_key(site: Any) -> None:
    site.call()
    made = site.back_up(secret=SECRET)
    with pytest.raises(BadInput, match="wrong key"):
        made.journals.cipher(Secret("hkdf", b"x" * 32))
    with pytest.raises(BadInput, match="is encrypted; name its key"):
        made.journals.cipher(None)
    file = made.journals.folder / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"program": "test"', b'"program": "tset"'))
    with pytest.raises(BadInput, match=r"manifest\.json: it was altered"):
        open_backup(made.journals.folder).cipher(SECRET)
