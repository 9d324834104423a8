"""Who may import whom, who may touch the world, and who alone makes a Receipt: read from the source by `ast`.

Facts flow one way, and so do imports (docs/adr/0001-imports-one-way.md). A module is pure unless it
stands in SHELLS: a new shell is a line here, seen by whoever reviews it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {  # folder → what of ours it may import besides itself
    "decoder": set[str](),
    "drivers": {"decoder"},
    "receiver": {"decoder"},
    "scenarios": {"receiver"},
    "sim": {"decoder", "drivers", "receiver"},
}
WIRES_DRIVERS = {  # the daemons of the receiver, and its commands
    "receiver/intake/daemon.py",
    "receiver/intake/folder_daemon.py",
    "receiver/intake/inlet.py",  # values of the seam only
    "receiver/intake/link_daemon.py",
    "receiver/intake/self_call.py",  # values of the seam only
    "receiver/intake/self_call_daemon.py",
    "receiver/centre/outward.py",
    "receiver/output/conversation.py",  # values of the seam only
    "receiver/output/ports.py",
}
RANKS = (  # inside receiver/: each may import its own rank and those before
    {
        "event",
        "errors",
        "formats",
        "clock",
        "installation",
        "config",
        "sockets",
        "report",
        "restarts",
        "priority",
        "understudy",
    },
    {"journal", "rules", "privacy", "scenario"},
    {"ledger", "registers", "surveys", "outbox", "reports", "web", "backup", "output"},
    {"intake", "centre"},
    {"health"},
    {"console", "commands", "supervisor", "understudy"},
)
NEVER_EACH_OTHER = {("intake", "centre"), ("centre", "intake"), ("console", "intake")}
NOT_FOR_CONTRACTS = {"intake", "centre", "console", "commands"}
SHELLS = {
    "drivers/hardware/output_port.py",
    "drivers/hardware/port.py",
    "drivers/hardware/serial_wire.py",
    "drivers/hardware/tcp_wire.py",
    "drivers/hardware/wires.py",
    "drivers/ip/dc09_port.py",
    "drivers/ip/reaching.py",
    "drivers/ip/scaip_port.py",
    "drivers/ip/sockets.py",
    "drivers/loopback.py",
    "drivers/modem/examination.py",
    "drivers/modem/port.py",
    "drivers/mqtt.py",
    "drivers/serial_port.py",
    "drivers/unmade.py",
    "receiver/clock.py",
    "receiver/report.py",
    "receiver/sockets.py",
    "receiver/supervisor.py",
    "receiver/understudy.py",
    "receiver/journal/mirror.py",
    "receiver/journal/store.py",
    "receiver/privacy/keys.py",
    "receiver/intake/daemon.py",
    "receiver/intake/folder_daemon.py",
    "receiver/intake/link_daemon.py",
    "receiver/intake/self_call_daemon.py",
    "receiver/intake/upkeep.py",
    "receiver/health/daemon.py",
    "receiver/health/heartbeat.py",
    "receiver/health/server.py",
    "receiver/centre/daemon.py",
    "receiver/centre/gate.py",
    "receiver/centre/timekeeper.py",
    "receiver/centre/client.py",
    "receiver/outbox/deliver.py",
    "receiver/output/conversation.py",
    "receiver/output/daemon.py",
}
WORLD = {"asyncio", "socket", "time", "random", "secrets", "logging", "threading", "subprocess", "select", "signal"}
HEAVY = {"numpy", "scipy", "pydantic", "cryptography", "aiomqtt", "serial"}  # never at the top of a command
SOURCES = sorted(path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[tuple[str, ...]]:
    """Every imported name as a dotted path, also those imported on use and for types only."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from (tuple(f"{node.module}.{alias.name}".split(".")) for alias in node.names)


def is_command(path: Path) -> bool:
    return path.parts[:2] == ("receiver", "commands") or path.name == "commands.py"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    folder = path.parts[0]
    allowed = FOLDERS[folder] | {folder}
    if str(path) in WIRES_DRIVERS or (is_command(path) and folder == "receiver"):
        allowed = allowed | {"drivers"}
    for name in imports(path):
        if name[0] in {*FOLDERS, "cli", "tests"}:
            assert name[0] in allowed, f"{path} imports {'.'.join(name)}"
        if folder == "scenarios" and name[0] == "receiver":
            assert is_command(path) or name[1] not in NOT_FOR_CONTRACTS, f"{path} imports {'.'.join(name)}"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "receiver"], ids=str)
def test_the_receiver_is_built_in_ranks(path: Path) -> None:
    if len(path.parts) == 2 and path.stem == "__init__":
        return
    rank = {part: number for number, parts in enumerate(RANKS) for part in parts}
    own = path.parts[1].removesuffix(".py")
    assert own in rank, f"{path}: name its rank in RANKS"
    for name in imports(path):
        if name[0] == "receiver" and name[1] != own:
            assert rank[name[1]] <= rank[own], f"{path} imports {'.'.join(name)}"
            assert (own, name[1]) not in NEVER_EACH_OTHER, f"{path} imports {'.'.join(name)}"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parts[0] != "sim" and not is_command(p)], ids=str)
def test_pure_modules_touch_nothing(path: Path) -> None:
    touched = {name[0] for name in imports(path)} & WORLD
    assert not touched or str(path) in SHELLS, f"{path} imports {', '.join(sorted(touched))}"


def test_every_shell_is_one() -> None:
    for shell in SHELLS | WIRES_DRIVERS:
        assert (ROOT / shell).exists(), f"{shell} is gone: take it off the list"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "decoder"], ids=str)
def test_the_decoder_runs_anywhere(path: Path) -> None:
    for name in imports(path):
        assert name[0] in {*sys.stdlib_module_names, "decoder", "numpy", "scipy"}, f"{path} imports {'.'.join(name)}"
    assert "scipy" not in {name[0] for name in imports(path, top_level_only=True)}, f"{path}: scipy on use only"


@pytest.mark.parametrize("path", [path for path in SOURCES if is_command(path)], ids=str)
def test_help_stays_fast(path: Path) -> None:
    heavy = {name[0] for name in imports(path, top_level_only=True)} & HEAVY
    assert not heavy, f"{path}: import {', '.join(sorted(heavy))} where it is used"


def test_only_the_store_makes_a_receipt() -> None:
    makers = {
        str(path)
        for path in SOURCES
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Receipt"
    }
    assert makers == {"receiver/journal/store.py"}
