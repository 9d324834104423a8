"""Datagrams to whoever wants to know: the service manager, and the centres that follow our journal."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from receiver.installation import Installation


def notify(state: str) -> None:
    """Tell the service manager (sd_notify), if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        send_datagram("\0" + address[1:] if address.startswith("@") else address, state.encode())


def wake(installation: Installation) -> None:
    """A datagram to every contract's centre that listens."""
    for path in installation.data.glob("*/wake.sock"):
        send_datagram(str(path), b"!")


def send_datagram(address: str, data: bytes) -> None:
    """Never waits and never fails: whoever does not listen looks by himself."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.setblocking(False)
        sending.sendto(data, address)
