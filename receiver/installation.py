"""Where everything of one installation lies (design §3): one folder, `--data`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from receiver.errors import StoreUnavailable

DEMONSTRATION_MARK: Final = "DEMONSTRATION"


@dataclass(frozen=True, slots=True)
class Installation:
    """Paths of one installation. Nothing is created here. config: its configuration file, if one was named."""

    data: Path
    config: Path | None = None

    @property
    def intake(self) -> Path:
        return self.data / "intake"

    @property
    def intake_db(self) -> Path:
        return self.intake / "intake.db"

    @property
    def intake_keys(self) -> Path:
        return self.intake / "keys.db"

    @property
    def audio(self) -> Path:
        return self.intake / "audio"

    @property
    def directory_db(self) -> Path:
        """Extract for intake: account → profile, interval; written by the centre, read by intake."""
        return self.intake / "directory.db"

    @property
    def intake_socket(self) -> Path:
        return self.intake / "intake.sock"

    @property
    def health(self) -> Path:
        """What the watch over ourselves keeps: counters, and the socket on which it is told."""
        return self.data / "health"

    @property
    def health_socket(self) -> Path:
        """Datagrams here say how the intake is."""
        return self.health / "told.sock"

    @property
    def last_good(self) -> Path:
        """The configuration file as it was when it was good last."""
        return self.data / "last-good.toml"

    def contract(self, name: str) -> Path:
        """Folder of one contract's store (`konan`, …)."""
        return self.data / name

    def store_db(self, name: str) -> Path:
        return self.contract(name) / "store.db"

    def store_keys(self, name: str) -> Path:
        return self.contract(name) / "keys.db"

    def writer_lock(self, name: str) -> Path:
        """Whoever holds the flock on this file may write the contract's store."""
        return self.contract(name) / "writer"

    def command_socket(self, name: str) -> Path:
        return self.contract(name) / "centre.sock"

    def wake_socket(self, name: str) -> Path:
        """Datagrams here wake the centre: something new is in intake's journal."""
        return self.contract(name) / "wake.sock"

    def stumble(self, name: str) -> Path:
        """What the centre ended on, for its next start."""
        return self.contract(name) / "stumble.json"

    @property
    def demonstration(self) -> bool:
        """True if this folder was made by the demonstration: it never holds real people."""
        return (self.data / DEMONSTRATION_MARK).exists()


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def private_folder(folder: Path) -> None:
    """Make the folder, and what is missing above it, for this user alone. Raises StoreUnavailable."""
    try:
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
            sync_folder(missing.parent)
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be made ({error.strerror}); choose another --data") from None
