"""The short form of `make campaign-powercut`, and what it is made of."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from campaigns.disk import Disk
from campaigns.planted import PATCHES, QUICK, ROOT, campaign_of, is_found
from campaigns.power_cut import cut, record
from campaigns.trace import Step, steps

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: apt-get install strace"
)


def images(done: list[Step], count: int = 300) -> list[dict[str, bytes]]:
    disk = Disk()
    for step in done:
        disk.take(step)
    return [disk.image(random.Random(number)) for number in range(count)]


def write(data: bytes, at: int = 0, path: str = "/d/f") -> Step:
    return Step("write", path, data, at)


def test_what_was_synced_is_always_there() -> None:
    done = [Step("create", "/d/f"), Step("sync", "/d"), write(b"a" * 1_500), Step("sync", "/d/f")]
    assert all(found == {"/d/f": b"a" * 1_500} for found in images(done))


def test_a_name_that_was_not_synced_may_be_gone() -> None:
    found = images([Step("create", "/d/f"), write(b"a"), Step("sync", "/d/f")])
    assert {} in found
    assert {"/d/f": b"a"} in found


def test_a_folder_that_was_not_synced_takes_all_that_is_in_it() -> None:
    made = [Step("mkdir", "/d/e"), Step("create", "/d/e/f"), Step("sync", "/d/e"), Step("sync", "/d/e/f")]
    assert {} in images(made)
    assert all(found == {"/d/e/f": b""} for found in images([*made, Step("sync", "/d")]))


def test_sectors_of_a_write_arrive_each_for_itself_or_torn() -> None:
    done = [Step("create", "/d/f"), Step("sync", "/d"), write(b"a" * 1_024), Step("sync", "/d/f"), write(b"b" * 1_024)]
    contents = {found["/d/f"] for found in images(done)}
    assert {b"a" * 1_024, b"b" * 1_024, b"a" * 512 + b"b" * 512, b"b" * 512 + b"a" * 512} <= contents
    assert any(0 < content[:512].count(b"b") < 512 for content in contents)


def test_a_file_that_took_anothers_name_is_one_of_both() -> None:
    old = [Step("create", "/d/f"), Step("sync", "/d"), write(b"old"), Step("sync", "/d/f")]
    new = [Step("create", "/d/g"), write(b"new", path="/d/g"), Step("sync", "/d/g"), Step("rename", "/d/g", to="/d/f")]
    found = images([*old, *new])
    assert {image["/d/f"] for image in found} == {b"old", b"new"}
    assert all(image["/d/f"] == b"new" for image in images([*old, *new, Step("sync", "/d")]))


def test_calls_are_read_as_they_returned() -> None:
    def text(value: str) -> str:
        return "".join(f"\\x{octet:02x}" for octet in value.encode())

    name = text("/d/f")
    lines = [
        f'7 openat(AT_FDCWD<{text("/")}>, "{name}", O_RDWR|O_CREAT, 0600) = 3<{name}>',
        f'7 pwrite64(3<{name}>, "{text("ab")}", 2, 512 <unfinished ...>',
        f"8 fsync(4<{text('/d')}>) = 0",
        "7 <... pwrite64 resumed>) = 2",
        f'7 write(3<{name}>, "{text("xyz")}", 3) = 3',
        f'7 write(3<{name}>, "{text("!")}", 1) = 1',
        f"7 ftruncate(3<{name}>, 4) = 0",
        f"7 fdatasync(3<{name}>) = -1 EIO (Input/output error)",
        f'7 write(1<{text("pipe:[1]")}>, "{text("1 ab")}", 4) = 4',
        f'7 rename("{name}", "{text("/d/g")}") = 0',
        f'7 openat(AT_FDCWD<{text("/")}>, "{text("/other")}", O_RDWR|O_CREAT, 0600) = 9<{text("/other")}>',
    ]
    assert list(steps(lines, Path("/d"))) == [
        Step("create", "/d/f"),
        Step("sync", "/d"),
        write(b"ab", 512),
        write(b"xyz", 0),
        write(b"!", 3),
        Step("truncate", "/d/f", at=4),
        Step("say", "", b"1 ab"),
        Step("rename", "/d/f", to="/d/g"),
    ]


def test_a_call_that_is_not_modelled_is_refused() -> None:
    with pytest.raises(RuntimeError, match="fallocate"):
        list(steps([r"7 fallocate(3<\x2f\x64\x2f\x66>, 0, 0, 4096) = 0"], Path("/d")))


@pytest.mark.slow
@needs_strace
def test_every_receipt_survives_a_power_cut(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    found = cut(record(tmp_path, seed, works=30), tmp_path / "run", seed, 0, 250)
    assert found.faults == []
    assert found.kinds["behind a receipt"] > 100


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize(
    "patch", [one for one in sorted(PATCHES.glob("*.patch")) if campaign_of(one)[0] in QUICK], ids=lambda one: one.stem
)
def test_a_planted_fault_is_found(patch: Path) -> None:
    assert is_found(patch)


@pytest.mark.parametrize("patch", sorted(PATCHES.glob("*.patch")), ids=lambda one: one.stem)
def test_a_planted_fault_still_fits(patch: Path) -> None:
    """A change beside it may need the patch to be made anew: `make campaign-planted` would say so only later."""
    fits = subprocess.run(["git", "apply", "--check", "-C1", str(patch)], cwd=ROOT, capture_output=True, text=True)
    assert fits.returncode == 0, fits.stderr
    name, *_ = campaign_of(patch)
    assert (ROOT / name).exists() or (ROOT / "campaigns" / f"{name}.py").exists()
