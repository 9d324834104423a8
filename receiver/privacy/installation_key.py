"""The one key outside the data: it wraps every `keys.db`, so that a stolen disk or backup is noise.

Looked for in this order: the file named by `YOBIRIN_KEY_FILE`; the configuration's `key_file`;
`yobirin.key` among systemd's credentials; `<data>.key` beside the data folder (never inside: a copy
of the folder must not carry it).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from receiver.config import load
from receiver.errors import StoreUnavailable
from receiver.installation import Installation, sync_folder

KEY_BYTES: Final = 32


def key_file(installation: Installation) -> Path:
    """Where the key of this installation is, or would be made."""
    if named := os.environ.get("YOBIRIN_KEY_FILE"):
        return Path(named)
    if installation.config is not None and (configured := load(installation.config).key_file) is not None:
        return configured
    if credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
        given = Path(credentials) / "yobirin.key"
        if given.exists():
            return given
    return installation.data.with_name(installation.data.name + ".key")


def installation_key(installation: Installation, *, create: bool = False) -> bytes:
    """32 bytes. `create` makes the file (0600) on the very first start.

    Raises StoreUnavailable if there is none, if it cannot be read, or if it is missing beside data
    that was sealed with it: a fresh key would only hide the loss.
    """
    path = key_file(installation)
    try:
        if path.exists():
            return _read(path)
        if not create:
            raise StoreUnavailable(f"{path}: the installation's key is not there; set YOBIRIN_KEY_FILE or put it back")
        sealed = next((folder for folder in _folders(installation) if (folder / "keys.db").exists()), None)
        if sealed is not None and not path.exists():
            raise StoreUnavailable(f"{path}: missing, but {sealed / 'keys.db'} was wrapped with it; put the key back")
        return _create(path)
    except OSError as error:
        raise StoreUnavailable(f"{path}: the installation's key cannot be used ({error.strerror})") from error


def _folders(installation: Installation) -> list[Path]:
    return sorted(folder for folder in installation.data.iterdir()) if installation.data.is_dir() else []


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreUnavailable(f"{path}: not an installation's key (expected {2 * KEY_BYTES} hexadecimal digits)")
    return key


def _create(path: Path) -> bytes:
    """Complete under another name first: two processes that start together end up with the same key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    handle = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(handle, os.urandom(KEY_BYTES).hex().encode() + b"\n")
        os.fsync(handle)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(handle)
        draft.unlink()
    sync_folder(path.parent)
    return _read(path)
