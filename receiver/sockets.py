"""Unix sockets of this installation: bound with tight rights, and who is at the other end."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from pathlib import Path


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
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])


def account_of(uid: int) -> str:
    """The account tied to an OS user."""
    try:
        return f"os:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os:{uid}"
