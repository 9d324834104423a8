"""`yobirin status`: how the receiver is, for people; the same that /status says to machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.commands.installation import installation_options
from receiver.errors import PartlyDone, StoreUnavailable
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.config import Config

ASK_S: Final = 5.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, as /status gives it.")
@installation_options
def status(as_json: bool, installation: Installation) -> None:
    """Say how the receiver is: ready or not and why, its lines, journals, disks, backups. Exit 1 if it is not ready.

    The running `health` is asked on `health.listen`; if none answers, exit 75, and `yobirin doctor` looks from outside.
    """
    import json

    from receiver.config import default, load

    config = load(installation.config) if installation.config else default(installation.data)
    told = _asked(config)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in lines_of(told):
            click.echo(line)
    if not told["ready"]:
        raise PartlyDone("the receiver is not ready")


def _asked(config: Config) -> dict[str, Any]:
    """Raises StoreUnavailable where nobody answers."""
    import json
    import urllib.request

    address = config.health.listen
    if not address:
        raise StoreUnavailable("health.listen is empty, so nobody can be asked; `yobirin doctor` looks from outside")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    try:
        with opener.open(f"http://{address}/status", timeout=ASK_S) as answer:
            told = json.loads(answer.read())
        assert isinstance(told, dict)
        assert "ready" in told
    except (OSError, ValueError, AssertionError) as error:
        raise StoreUnavailable(
            f"nobody says on {address} how the receiver is ({error}); start `yobirin run`, or try `yobirin doctor`"
        ) from None
    return told


def lines_of(told: dict[str, Any]) -> Iterator[str]:
    """For people, the worst first."""
    from receiver.health.texts import TEXTS

    yield "ready" if told["ready"] else "NOT READY"
    for one in told["conditions"]:
        yield f"{'ALARM' if one['grave'] else 'note '}  {one['says']}"
        if one["key"] in TEXTS:
            yield f"       {TEXTS[one['key']]}"
    for line in (told["intake"] or {}).get("lines", []):
        yield _line(line, told["counts"].get(line["name"], {}))
    looked = told["looked"]
    for journal in looked["journals"]:
        age = "" if journal["age_s"] is None else f", the last {_age(journal['age_s'])} ago"
        yield f"journal {journal['name']}: {journal['events']} events{age}, log {journal['log_bytes'] / 2**20:.1f} MiB"
    for centre in looked["centres"]:
        outbox = f", {centre['outbox_waiting']} messages wait" if centre["outbox_waiting"] else ""
        yield f"centre {centre['name']}: {centre['behind']} events behind{outbox}"
    for disk in looked["disks"]:
        yield f"{disk['about']}: " + (disk["error"] if disk["percent"] is None else f"{disk['percent']:.0f} % full")
    for backup in looked["backups"]:
        age = "no complete backup" if backup["age_s"] is None else f"newest backup {_age(backup['age_s'])} old"
        yield f"{backup['folder']}: {age}"
    if told["weak_units"]:
        yield f"{told['weak_units']} times a unit was found to grow weak"


def _line(line: dict[str, Any], counts: dict[str, Any]) -> str:
    heard = "" if line["heard_ago_s"] is None else f", heard {_age(line['heard_ago_s'])} ago"
    words = f"{line['name']}: {line['state']}{heard}"
    if counts:
        words += (
            f"; {counts['calls']} calls ({counts['silent']} silent, {counts['handshake_failures']} brought nothing), "
            f"{counts['receptions']} receptions, {counts['rejected']} not accepted, busy {_age(counts['busy_s'])}"
        )
    return words


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
