"""Serial ports by what is plugged in, not by the name it got this time: /sys/class/tty of Linux.

A modem that was pulled out and put back is /dev/ttyACM1 where it was ttyACM0. Its USB serial number stays.
Folders are handed in, so that a test can make its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYS: Final = Path("/sys/class/tty")
DEV: Final = Path("/dev")
_RESET: Final = ord("U") << 8 | 20  # USBDEVFS_RESET, linux/usbdevice_fs.h


class NotFound(Exception):
    """No such port, or more than one; a line for people."""


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A serial port on USB. device: its folder in /sys, where `serial`, `busnum` and `devnum` lie."""

    path: Path
    serial: str
    interface: str
    device: Path


def usb_ports(sys: Path = SYS, dev: Path = DEV) -> Iterator[UsbPort]:
    """Every serial port that hangs on USB and has a serial number, by name."""
    for tty in sorted(sys.iterdir()) if sys.is_dir() else ():
        try:
            interface = (tty / "device").resolve(strict=True)
        except OSError:
            continue  # a console, a pty
        for device in (interface, *interface.parents[:3]):
            number = _text(device / "serial")
            if number and (device / "idVendor").exists():
                yield UsbPort(dev / tty.name, number, _interface_of(interface, device), device)
                break


def find(serial: str, sys: Path = SYS, dev: Path = DEV) -> UsbPort:
    """The first port of the device with this serial number. Raises NotFound."""
    found = [port for port in usb_ports(sys, dev) if port.serial == serial]
    if not found:
        raise NotFound(f"no serial port on USB has the serial number {serial}")
    if len({port.device for port in found}) > 1:
        places = " and ".join(str(port.path) for port in found)
        raise NotFound(f"{places} have the same serial number {serial}: name one by /dev/serial/by-path")
    return min(found, key=lambda port: (port.interface, port.path))


def port_at(path: Path, sys: Path = SYS, dev: Path = DEV) -> UsbPort | None:
    """The USB port behind a path, links followed; None if it is no such port."""
    real = path.resolve()
    return next((port for port in usb_ports(sys, dev) if port.path.resolve() == real), None)


def reset(port: UsbPort, bus: Path = Path("/dev/bus/usb")) -> None:
    """As if it were pulled out and put back. Raises OSError where we may not."""
    node = bus / f"{int(_text(port.device / 'busnum')):03d}" / f"{int(_text(port.device / 'devnum')):03d}"
    descriptor = os.open(node, os.O_WRONLY)
    try:
        fcntl.ioctl(descriptor, _RESET, 0)
    finally:
        os.close(descriptor)


def _interface_of(interface: Path, device: Path) -> str:
    for folder in (interface, *interface.parents[:2]):
        if folder == device:
            break
        if number := _text(folder / "bInterfaceNumber"):
            return number
    return "00"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
