"""Every command, option and setting is in the reference, and every link in the documents leads somewhere."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from receiver.config import keys
from receiver.outbox.rows import FIELDS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_cli", REFERENCE / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_cli"] = module
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()
COMMANDS: list[tuple[str, click.Command]] = GENERATOR.every_command()


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_is_in_the_reference(name: str, command: click.Command) -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^##+ {re.escape(name)}\n(.*?)(?=^##|\Z)", page, re.M | re.S)
    assert found, f"{name} is not in cli.md: make reference"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            for option in parameter.opts:
                assert option in found[1], f"{name} {option} is not in cli.md: make reference"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_says_what_it_is(name: str, command: click.Command) -> None:
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


def test_every_setting_is_in_the_reference_and_nothing_else() -> None:
    page = (REFERENCE / "configuration.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `([^`]+)` \|", page, re.M)) == sorted(keys())


def test_every_field_that_leaves_by_mqtt_is_in_the_reference() -> None:
    page = (REFERENCE / "mqtt.md").read_text(encoding="utf-8")
    for wanted, names in FIELDS.items():
        (listed,) = re.findall(rf"^\| `{wanted.value}` \| [^|]+ \| ([^|]+) \|", page, re.M)
        assert set(re.findall(r"`(\w+)`", listed)) | {"case", "clause", "row"} == names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_named_in_the_documents_exist(document: Path) -> None:
    """Paths in backquotes that begin with one of our folders; `my_…` is the reader's own."""
    for name in re.findall(
        r"`((?:decoder|drivers|receiver|scenarios|sim|examples|benchmarks)/[\w/.]+)`", document.read_text()
    ):
        if "/my_" in name:
            continue
        assert (ROOT / name).exists(), f"{document.name} names {name}"
