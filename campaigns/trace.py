"""What a process did to its disk, call by call: `strace` once, and the calls as values."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CALLS: Final = (
    "openat,creat,write,pwrite64,pwritev,pwritev2,writev,fdatasync,fsync,sync_file_range,ftruncate,truncate,fallocate,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,symlink,symlinkat,lseek,dup,dup2,dup3,mmap"
)
IGNORED: Final = frozenset({"lseek", "dup", "dup2", "dup3"})
_CALL: Final = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?:<(?P<opened>[^>]*)>)?")
_PATH: Final = re.compile(r"^\d+<(?P<path>[^>]*)>")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Step:
    """One call that reached the disk, or something that left the process by a pipe (`say`).

    kind    create · mkdir · link · write · truncate · rename · unlink · sync · say
    path    of the file, or of the folder that was synced; `to`: the new name of a link or a rename
    at      offset of a write, length of a truncation
    """

    kind: str
    path: str
    data: bytes = b""
    at: int = 0
    to: str = ""


def recorded(command: Sequence[str | Path], folder: Path, trace: Path, timeout_s: float = 300) -> list[Step]:
    """Run the command under strace; its steps below `folder`, in the order in which the calls returned.

    Raises RuntimeError for a call that changes files in a way that this does not model.
    """
    traced = ["strace", "-f", "-y", "-xx", "-s", "999999", "-o", str(trace), "-e", f"trace={CALLS}"]
    subprocess.run([*traced, *map(str, command)], check=True, stdout=subprocess.PIPE, timeout=timeout_s)
    return list(steps(trace.read_text().splitlines(), folder))


def steps(lines: Iterable[str], folder: Path) -> Iterator[Step]:
    """strace's lines as steps; calls that another thread interrupted are put together."""
    begun: dict[str, str] = {}
    there: set[str] = set()
    position: dict[tuple[str, str], int] = {}  # of descriptors that write where they stand
    for line in lines:
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if text.startswith("<..."):
            text = begun.pop(thread, "") + text.partition("resumed>")[2]
        found = _CALL.match(text)
        if found is None or int(found["result"]) < 0:
            continue
        yield from _steps(found, folder, there, position)


def _steps(call: re.Match[str], folder: Path, there: set[str], position: dict[tuple[str, str], int]) -> Iterator[Step]:
    name, arguments, result = call["name"], call["arguments"], int(call["result"])
    held = _PATH.match(arguments)
    path = _unescaped(held["path"]).decode() if held else ""
    texts = [_unescaped(text) for text in _TEXT.findall(arguments)]
    numbers = [int(number) for number in re.findall(r", (\d+)", arguments)]
    if name == "write" and path.startswith("pipe:"):
        yield Step("say", "", texts[0] if texts else b"")
        return
    if name in ("openat", "creat"):
        path = _unescaped(call["opened"] or "").decode() or (texts[-1].decode() if texts else "")
        if "O_TMPFILE" in arguments:
            raise RuntimeError(f"not modelled: {arguments}")
        if _below(path, folder) and ("O_CREAT" in arguments or name == "creat") and path not in there:
            there.add(path)
            yield Step("create", path)
        if _below(path, folder) and "O_TRUNC" in arguments:
            yield Step("truncate", path)
        position[path, str(result)] = 0
        return
    if name in ("mkdir", "mkdirat"):
        if _below(made := texts[0].decode(), folder) and made != str(folder):
            yield Step("mkdir", made)
        return
    if name in ("link", "linkat", "symlink", "symlinkat"):
        if _below(texts[-1].decode(), folder):
            if "sym" in name:
                raise RuntimeError(f"not modelled: {name} {texts[-1].decode()}")
            there.add(texts[-1].decode())
            yield Step("link", texts[0].decode(), to=texts[-1].decode())
        return
    if name in ("rename", "renameat", "renameat2"):
        old, new = texts[0].decode(), texts[1].decode()
        if _below(new, folder):
            there.discard(old)
            there.add(new)
            yield Step("rename", old, to=new)
        return
    if name in ("unlink", "unlinkat"):
        gone = texts[0].decode()
        if _below(gone, folder):
            there.discard(gone)
            yield Step("unlink", gone)
        return
    if name == "mmap":
        path = _mapped(arguments)
        written = "MAP_SHARED" in arguments and "PROT_WRITE" in arguments and _below(path, folder)
        if written and not path.endswith("-shm"):  # SQLite's index of the log: made anew from the log at every start
            raise RuntimeError(f"not modelled: a shared mapping of {path}")
        return
    if name in IGNORED or not _below(path, folder):
        return
    match name:
        case "pwrite64":
            yield Step("write", path, texts[0][:result], numbers[-1])
        case "write":
            number = arguments.partition("<")[0]
            at = position.get((path, number), 0)
            position[path, number] = at + result
            yield Step("write", path, texts[0][:result], at)
        case "ftruncate":
            yield Step("truncate", path, at=numbers[-1])
        case "fsync" | "fdatasync":
            yield Step("sync", path)
        case _:
            raise RuntimeError(f"not modelled: {name} on {path}")


def _mapped(arguments: str) -> str:
    found = re.search(r"\d+<([^>]*)>", arguments)
    return _unescaped(found[1]).decode() if found else ""


def _below(path: str, folder: Path) -> bool:
    return path.startswith(f"{folder}/") or path == str(folder)


def _unescaped(text: str) -> bytes:
    """strace -xx writes every byte as \\x and two digits."""
    return bytes.fromhex(text.replace("\\x", ""))
