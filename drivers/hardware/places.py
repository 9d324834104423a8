"""How the other side is named, and what is made of it.

/dev/serial/by-id/usb-…     a serial port       tcp://host:1025       we connect
listen://127.0.0.1:1025     the other side connects; from this machine alone unless peers are named
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from drivers.hardware.serial_wire import SerialPlace
from drivers.hardware.tcp_wire import ClientPlace, ListenPlace, Network
from drivers.hardware.wires import Place

TCP_PORT: Final = 1025  # of a Sur-Gard System III
THIS_MACHINE: Final = "127.0.0.1,::1"

_BITS: Final = re.compile("([78])([NEO])([12])")
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^][:/\s]+)(?::(\d{1,5}))?")


def parse_place(
    address: str, *, baud: int = 9600, bits: str = "8N1", rtscts: bool = False, peers: str = "", newest: bool = False
) -> Place:
    """newest: a connection replaces the one before. ValueError, with a line for people, for what names no place."""
    data_bits = parse_bits(bits)
    scheme, slashes, rest = address.partition("://")
    if not slashes:
        if baud <= 0:
            raise ValueError("baud must be greater than 0")
        return SerialPlace(address, baud, *data_bits, rtscts=rtscts)
    found = _HOST_AND_PORT.fullmatch(rest)
    if scheme not in ("tcp", "listen") or found is None or int(found[2] or 0) > 65_535:
        raise ValueError(f"{address!r} is no place: expected a port's path, tcp://host:port or listen://address:port")
    host, number = found[1].strip("[]"), int(found[2] or TCP_PORT)
    if scheme == "tcp":
        return ClientPlace(host, number)
    return ListenPlace(host, number, _networks(peers), newest)


def parse_bits(text: str) -> tuple[int, str, float]:
    """ "7E1": data bits, parity, stop bits. ValueError for anything else."""
    found = _BITS.fullmatch(text.upper())
    if found is None:
        raise ValueError(f"bits is 8N1, 7E1, 7O1 …, not {text!r}")
    return int(found[1]), found[2], float(found[3])


def _networks(peers: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(peer.strip()) for peer in (peers or THIS_MACHINE).split(","))
    except ValueError as error:
        raise ValueError(f"peers: {error}") from None
