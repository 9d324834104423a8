"""Ports by USB serial number, in a /sys of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.usb_ports import NotFound, find, port_at, reset, usb_ports


class Machine:
    """/sys and /dev as Linux shows them."""

    def __init__(self, root: Path) -> None:
        self.tty, self.dev, self.devices = root / "sys" / "tty", root / "dev", root / "sys" / "devices"
        for folder in (self.tty, self.dev, self.devices):
            folder.mkdir(parents=True)

    def plug(self, place: str, serial: str, *names: str) -> None:
        device = self.devices / place
        device.mkdir()
        for file, text in (("serial", serial), ("idVendor", "0572"), ("busnum", "1"), ("devnum", "7")):
            (device / file).write_text(text + "\n")
        for number, name in enumerate(names):
            interface = device / f"{place}:1.{number}"
            interface.mkdir()
            (interface / "bInterfaceNumber").write_text(f"{number:02d}\n")
            (self.tty / name).mkdir()
            (self.tty / name / "device").symlink_to(interface)
            (self.dev / name).touch()

    def unplug(self, *names: str) -> None:
        for name in names:
            (self.tty / name / "device").unlink()
            (self.tty / name).rmdir()
            (self.dev / name).unlink()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    (made.tty / "tty0").mkdir()  # a console: no device
    made.plug("1-1", "000012345", "ttyACM0")
    made.plug("1-2", "000099999", "ttyACM1", "ttyACM2")
    return made


def test_a_modem_is_found_by_its_serial_number(machine: Machine) -> None:
    assert find("000012345", machine.tty, machine.dev).path == machine.dev / "ttyACM0"
    assert find("000099999", machine.tty, machine.dev).path == machine.dev / "ttyACM1"  # its first interface
    assert [port.path.name for port in usb_ports(machine.tty, machine.dev)] == ["ttyACM0", "ttyACM1", "ttyACM2"]


def test_pulled_out_and_back_under_another_name(machine: Machine) -> None:
    machine.unplug("ttyACM0")
    with pytest.raises(NotFound, match="serial number 000012345"):
        find("000012345", machine.tty, machine.dev)
    machine.plug("1-4", "000012345", "ttyACM7")
    assert find("000012345", machine.tty, machine.dev).path.name == "ttyACM7"


def test_two_devices_with_one_number_are_not_guessed_at(machine: Machine) -> None:
    machine.plug("1-4", "000012345", "ttyACM7")
    with pytest.raises(NotFound, match="same serial number"):
        find("000012345", machine.tty, machine.dev)


def test_the_device_behind_a_path(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(machine.dev / "ttyACM2")
    port = port_at(tmp_path / "by-id", machine.tty, machine.dev)
    assert port is not None
    assert (port.serial, port.interface) == ("000099999", "01")
    assert port_at(Path("/dev/null"), machine.tty, machine.dev) is None


def test_a_reset_that_is_not_allowed_says_so(machine: Machine, tmp_path: Path) -> None:
    port = find("000012345", machine.tty, machine.dev)
    with pytest.raises(OSError, match="001/007"):
        reset(port, tmp_path / "bus")


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert list(usb_ports(tmp_path / "none", tmp_path)) == []
