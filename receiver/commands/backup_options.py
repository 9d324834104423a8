"""What the commands of `yobirin backup` share: the secret of encrypted backups, pace and progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from receiver.backup.cipher import Secret
    from receiver.backup.shelf import Backup

F = TypeVar("F", bound=Callable[..., Any])
MIB: Final = 2**20
LAG_S: Final = 0.02
"""A pause shorter than this costs more than it holds back."""


def secret_options(command: F) -> F:
    """Give the command a `secret`: from `--key-file` or `--passphrase-file`, or None."""

    @click.option("--key-file", type=click.Path(path_type=Path), help="Key of encrypted backups: openssl rand -hex 32.")
    @click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, allow_dash=True),
        help="Passphrase of encrypted backups: first line of this file; - asks for it.",
    )
    @wraps(command)
    def wrapped(*args: Any, key_file: Path | None, passphrase_file: Path | None, **kwargs: Any) -> Any:
        kwargs["secret"] = _secret(key_file, passphrase_file)
        return command(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def _secret(key_file: Path | None, passphrase_file: Path | None) -> Secret | None:
    from receiver.backup.cipher import Secret
    from receiver.errors import BadInput

    if key_file is not None and passphrase_file is not None:
        raise BadInput("--key-file and --passphrase-file: a backup is encrypted under one of them; leave one out")
    if key_file is not None:
        return Secret.key_file(key_file)
    if passphrase_file is None:
        return None
    if str(passphrase_file) == "-":
        if sys.stdin.isatty():
            return Secret.passphrase(click.prompt("Passphrase of the backups", hide_input=True, err=True))
        return Secret.passphrase(sys.stdin.readline().rstrip("\r\n"))
    try:
        return Secret.passphrase(passphrase_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r"))
    except OSError as error:
        raise BadInput(f"{passphrase_file}: the passphrase cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{passphrase_file}: is not UTF-8 text; for random bytes there is --key-file") from None


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty() or total <= 0:
        yield lambda count: None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def throttled(seen: Callable[[int], None], mib_per_s: float | None) -> Callable[[int], None]:
    """Copy no faster than this: the disk has calls to store as well."""
    if mib_per_s is None:
        return seen
    began, copied = time.monotonic(), 0

    def paced(count: int) -> None:
        nonlocal copied
        copied += count
        seen(count)
        ahead_s = copied / (mib_per_s * MIB) - (time.monotonic() - began)
        if ahead_s > LAG_S:
            time.sleep(ahead_s)

    return paced


def told(backup: Backup) -> dict[str, Any]:
    """A backup as one JSON object."""
    from receiver.backup.manifest import moment

    manifest = backup.manifest
    return {
        "backup": str(backup.folder),
        "kind": manifest.kind.value,
        "created_at": moment(manifest.created_at_us).isoformat(timespec="milliseconds"),
        "complete": manifest.complete,
        "encrypted": manifest.lock is not None,
        "files": len(manifest.files),
        "bytes": manifest.bytes,
        "journals": {journal.name: {"seq": journal.seq, "hash": journal.hash} for journal in manifest.journals},
        "keys": sum(keys.keys for keys in manifest.keys),
        "keys_backup": manifest.keys_backup,
    }


def line(backup: Backup) -> str:
    """A backup in one line, for people."""
    from receiver.clock import local

    manifest = backup.manifest
    parts = [f"{backup.name}  {local(manifest.created_at_us).isoformat(timespec='seconds')}"]
    parts += [f"{journal.name} up to {journal.seq}" for journal in manifest.journals]
    if not manifest.journals:
        parts.append(f"{sum(keys.keys for keys in manifest.keys)} keys")
    parts.append(f"{manifest.bytes / MIB:,.1f} MiB")
    parts += ["encrypted"] if manifest.lock is not None else []
    parts += [f"INCOMPLETE: {manifest.missing[0].path}"] if manifest.missing else []
    return ", ".join(parts)
