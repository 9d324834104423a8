"""Unix sockets of this installation: bound with tight rights, and who is at the other end."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

UCRED: Final = struct.Struct("3i")  # process, user, group
STATES_AT_ONCE: Final = 64


def bound(path: Path, kind: socket.SocketKind) -> socket.socket:
    """A Unix socket at `path`, mode 0600; reached through its folder: sockaddr_un has room for 108 bytes."""
    listening = socket.socket(socket.AF_UNIX, kind)
    folder = os.open(path.parent, os.O_RDONLY)
    before = os.umask(0o177)
    try:
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.umask(before)
        os.close(folder)
    return listening


def peer_uid(peer: socket.socket) -> int:
    """Who is at the other end of a Unix socket, as the kernel says."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    return int(UCRED.unpack(raw)[1])


def account_of(uid: int) -> str:
    """The account tied to an OS user."""
    try:
        return f"os:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os:{uid}"


def listened(path: Path) -> bool:
    """Is somebody listening on this Unix socket? Reached through its folder, so that long paths fit."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(2)
            peer.connect(f"/proc/self/fd/{folder}/{path.name}")
        return True
    except OSError:
        return False
    finally:
        os.close(folder)


def tell(path: Path, data: bytes) -> None:
    """A datagram to whoever is bound to `path`. Never waits and never fails: who does not listen looks by himself."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.setblocking(False)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            sending.sendto(data, f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)


def tell_service_manager(state: str) -> None:
    """sd_notify: `READY=1`, `WATCHDOG=1`, `STOPPING=1`; nothing without a service manager."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


@contextmanager
def announced_work(seconds: float) -> Iterator[None]:
    """Work that may keep us from `WATCHDOG=1` for so long: whoever watches us is told before, and when it is over."""
    usual = os.environ.get("WATCHDOG_USEC")
    if usual:
        tell_service_manager(f"WATCHDOG_USEC={round(seconds * 1_000_000)}\nWATCHDOG=1")
    try:
        yield
    finally:
        if usual:
            tell_service_manager(f"WATCHDOG_USEC={usual}\nWATCHDOG=1")


def state_socket() -> tuple[socket.socket, str]:
    """Where processes that we start tell their state, and the `NOTIFY_SOCKET` to start them with.

    Its name is abstract and chosen by the kernel: whatever ends us, nothing is left in the way.
    """
    hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    hearing.setblocking(False)
    hearing.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    hearing.bind("")
    return hearing, "@" + hearing.getsockname()[1:].decode("ascii")


def states(hearing: socket.socket) -> Iterator[tuple[int, str]]:
    """What has arrived: who said it, as the kernel says (everybody can write to an abstract name), and the words."""
    for _ in range(STATES_AT_ONCE):
        try:
            words, ancillary, _, _ = hearing.recvmsg(1024, socket.CMSG_SPACE(UCRED.size))
        except BlockingIOError:
            return
        for level, kind, raw in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                yield UCRED.unpack(raw)[0], words.decode(errors="replace")
