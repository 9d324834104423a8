"""`yobirin doctor`: looks at an installation, changes nothing, and says what is wrong and what to do.

Three kinds of findings: `good`, `note` (may be meant so) and `wrong`. Exit 1 if anything is wrong.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from receiver.commands.finding import Finding, show
from receiver.commands.installation import config_file, find_installation
from receiver.errors import YobirinError
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.config import Config, LineConfig, MqttConfig

DISK_NOTE_PERCENT: Final = 80
DISK_WRONG_PERCENT: Final = 95
CONTRACTS: Final = ("konan", "wakayama", "sapporo", "yokosuka", "nerima")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=None, help="The installation's folder.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=None, help="Configuration file.")
@click.option("--on-hook", is_flag=True, help="With LINE: do not take the line to listen to it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, one a line.")
@click.argument("line", required=False)
def doctor(data: Path | None, config_path: Path | None, on_hook: bool, as_json: bool, line: str | None) -> None:
    """Look at an installation and say what is wrong. Changes nothing; exit 1 if something is wrong.

    With LINE, for example modem:/dev/ttyACM0, look at that modem instead: what it can do, what its line
    sounds like, what is wrong and what to do. The line is taken for about two seconds.
    """
    if line is not None:
        from receiver.commands.doctor_modem import examine_modem

        show(examine_modem(line, listen=not on_hook), as_json=as_json)
    else:
        show(list(examine(data, config_file(config_path))), as_json=as_json)


def examine(data: Path | None, config_path: Path | None) -> Iterator[Finding]:
    """Every finding, in the order in which a start would meet them."""
    from receiver.config import default, load

    try:
        config = load(config_path) if config_path else None
    except YobirinError as error:
        for line in error.details or (str(error),):
            yield Finding("wrong", "configuration", line, "correct it; `yobirin config check` looks at it alone")
        if data is None:
            return
        config = None
    else:
        yield Finding("good", "configuration", f"{config_path} is good" if config_path else "no file; defaults hold")
    installation = find_installation(data, config_path)
    config = config or default(installation.data)
    if not installation.data.is_dir():
        yield Finding("wrong", "data", f"{installation.data} is not there", "name it by --data, or start `yobirin run`")
        return
    yield from _folder(installation.data)
    yield from _key(installation)
    yield from _journals(installation)
    yield from _disks(installation, config)
    yield from _processes(installation)
    yield from _not_yet(config)
    yield from _watched(config)
    yield from _lines(config.lines)
    yield from _mqtt(config.mqtt)
    yield from _outbox(installation, config)
    yield from _outputs(installation, config)


def _folder(data: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o007:
        yield Finding("note", "data", f"{data} can be read by every user of this machine", f"chmod 0700 {data}")
    else:
        yield Finding("good", "data", f"{data}")


def _key(installation: Installation) -> Iterator[Finding]:
    from receiver.privacy.installation_key import installation_key, key_file

    path = key_file(installation)
    try:
        installation_key(installation)
    except YobirinError as error:
        yield Finding("wrong", "key", str(error), "without it nothing sealed can ever be read")
        return
    if path.is_relative_to(installation.data):
        yield Finding("wrong", "key", f"{path} lies inside the data", "move it out: who copies the data has it too")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("wrong", "key", f"{path} can be read by others", f"chmod 0600 {path}")
    else:
        yield Finding("good", "key", f"{path}; keep a copy away from this machine")


def journals(installation: Installation) -> Iterator[tuple[str, Path]]:
    """The journals that exist: name and file."""
    candidates = [
        ("intake", installation.intake_db),
        *((name, installation.store_db(name)) for name in (*CONTRACTS, "output")),
    ]
    return ((name, path) for name, path in candidates if path.exists())


def _journals(installation: Installation) -> Iterator[Finding]:
    from receiver.journal.head import noted_head
    from receiver.journal.reader import Reader

    for name, path in journals(installation):
        try:
            reader = Reader(path)
            noted = noted_head(path)  # before the head: what is written in between only lengthens the journal
            seq, _ = reader.head()
            reader.after(max(0, seq - 100))
            kept = reader.rows("SELECT hash FROM event WHERE seq = ?", noted[0]) if noted else []
            reader.close()
        except YobirinError as error:
            yield Finding("wrong", f"journal {name}", str(error), "`yobirin store verify`; then restore a backup")
            continue
        if noted and noted[0] and (not kept or kept[0][0] != noted[1]):
            says = f"ends at {seq}, but {noted[0]} had been written: its end is lost"
            yield Finding(
                "wrong", f"journal {name}", says, "`yobirin store verify`; then restore from the mirror or a backup"
            )
        else:
            yield Finding(
                "good", f"journal {name}", f"{seq} events, the last hundred sound; `yobirin store verify` checks all"
            )


def _disks(installation: Installation, config: Config) -> Iterator[Finding]:
    for about, folder in (("disk", installation.data), *((f"mirror {path}", path) for path in config.mirror)):
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            yield Finding("wrong", about, f"cannot be used ({error.strerror})", "mount it or take it out of `mirror`")
            continue
        percent = round(100 * (usage.total - usage.free) / usage.total)
        says = f"{percent} % full, {usage.free // 2**20:,} MiB free"
        if percent >= DISK_WRONG_PERCENT:
            yield Finding(
                "wrong", about, says, f"make room at once: at {config.intake.disk_stop_percent} % no call is answered"
            )
        elif percent >= DISK_NOTE_PERCENT:
            yield Finding("note", about, says, "make room")
        else:
            yield Finding("good", about, says)


def _processes(installation: Installation) -> Iterator[Finding]:
    """Who holds the writer's lock is running; a centre has to answer besides."""
    from receiver.journal.lock import holder
    from receiver.sockets import listened

    contracts = [name for name in CONTRACTS if installation.contract(name).exists()]
    for about, folder in (
        ("intake", installation.intake),
        *((f"centre {n}", installation.contract(n)) for n in contracts),
    ):
        process = holder(folder / "writer")
        if process is None:
            yield Finding("note", about, "does not run", "`yobirin run`, or the service manager, starts it")
        elif about != "intake" and not listened(folder / "centre.sock"):
            says = f"process {process} holds the lock and does not answer"
            yield Finding(
                "note", about, says, "a command at work lets go in seconds; a centre that hangs must be stopped"
            )
        else:
            yield Finding("good", about, f"runs as process {process}")


def _not_yet(config: Config) -> Iterator[Finding]:
    """Settings that are checked already and change nothing yet: whoever set one must not rely on it."""
    from receiver.config import ConsoleConfig

    given = {
        "console": config.console != ConsoleConfig(),
    }
    for name in (name for name, is_set in given.items() if is_set):
        yield Finding(
            "note", "configuration", f"{name} is set, but not in force in this release", "do not rely on it yet"
        )


def _watched(config: Config) -> Iterator[Finding]:
    """Who hears of it when we fall silent, and what is never looked at because nobody named it."""
    if config.heartbeat_url is None:
        says = "heartbeat_url is not set: nobody outside hears of it when this machine is dead"
        yield Finding("note", "watch", says, "name an outside watcher (docs/how-to/run-as-a-service.md)")
    else:
        yield Finding(
            "good", "watch", f"an outside watcher is told every {config.health.heartbeat_s} s while all is well"
        )
    if not config.health.backups:
        yield Finding("note", "watch", "health.backups names no folder: an old backup is no alarm", "name your folders")
    if config.self_call is None and sum(line.uri.startswith("modem:") for line in config.lines) > 1:
        says = "no [self_call]: a dead wire behind a modem that answers is found only by silence"
        yield Finding("note", "watch", says, "let one line call another (docs/reference/health.md)")


def _lines(lines: tuple[LineConfig, ...]) -> Iterator[Finding]:
    from drivers.registry import LINES, LINKS, split_name
    from receiver.commands.doctor_modem import port_of

    if not lines:
        yield Finding("note", "lines", "none in the configuration", 'write lines = ["modem:/dev/ttyACM0"]')
    for line in lines:
        scheme, address, _ = split_name(line.uri)
        if scheme not in LINES and (line.reserve or line.profile):
            said = "reserve" if line.reserve else "profile"
            yield Finding("note", line.uri, f"{said} changes nothing: no calls are answered there", "take it out")
        path = Path(address)
        if scheme in ("wav", "pcap") and not path.is_dir():
            yield Finding("wrong", line.uri, "the folder is not there", f"mkdir {path}")
        elif (problem := _unmade(line.uri)) is not None:
            yield Finding("wrong", line.uri, problem, "see docs/reference/configuration.md")
        elif scheme == "modem":
            yield port_of(line.uri)
        elif scheme in LINKS:
            yield Finding("good", line.uri, "is understood; whether anybody is there, the receiver says when it runs")
        else:
            yield Finding("good", line.uri, "is there")


def _unmade(uri: str) -> str | None:
    """Why neither line nor link can be made of its name: the place, the options, the file of keys; None: it can."""
    from drivers.registry import check_name

    try:
        check_name(uri)
    except (ValueError, OSError) as error:
        return str(error).removeprefix(f"{uri}: ")
    return None


def _mqtt(mqtt: MqttConfig | None) -> Iterator[Finding]:
    if mqtt is None:
        yield Finding("note", "mqtt", "not configured: nothing leaves by MQTT")
        return
    where = f"{mqtt.host}:{mqtt.port}"
    for path in (mqtt.password_file, mqtt.ca_file, mqtt.cert_file, mqtt.key_file):
        if path is not None and not os.access(path, os.R_OK):
            yield Finding("wrong", "mqtt", f"{path} cannot be read", "put it there, readable for the receiver's user")
    try:
        socket.create_connection((mqtt.host, mqtt.port), timeout=3).close()
    except OSError as error:
        yield Finding(
            "wrong", "mqtt", f"no broker at {where} ({error})", "everything waits in the outbox until it is back"
        )
    else:
        yield Finding("good", "mqtt", f"a broker listens at {where}")
    if not mqtt.consumers:
        says = "no consumer is named: a message counts as delivered when the broker has it, read or not"
        yield Finding("note", "mqtt", says, "name who must answer for it by [[mqtt.consumer]]")
    if not mqtt.tls and mqtt.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding(
            "note", "mqtt", f"{where} is reached without TLS: anybody on the way reads along", "set tls = true"
        )


def _outputs(installation: Installation, config: Config) -> Iterator[Finding]:
    """Monitoring programs: could each be driven, how far is it, has it been silent, what would it not take."""
    from receiver.commands.output import statuses
    from receiver.journal.lock import holder
    from receiver.output.ports import check

    if not config.outputs:
        return
    try:
        check(config)
        found = list(statuses(installation, config))
    except YobirinError as error:
        yield Finding("wrong", "outputs", str(error), "see docs/reference/hardware-receivers.md")
        return
    if holder(installation.writer_lock("output")) is None:
        yield Finding("note", "outputs", "nobody serves them", "`yobirin run`, or the service manager, starts it")
    for status in (status for status in found if status.uri is not None):
        about, waits = f"output {status.name}", f"{status.waiting} waiting, {status.delivered} acknowledged"
        if status.silent_since_us is not None:
            says = f"acknowledges nothing: {status.reason}; {waits}"
            yield Finding("wrong", about, says, "see whether the program runs and reads; everything waits for it")
        else:
            yield Finding("good", about, "has not begun" if status.position is None else waits)
        if status.refused:
            says = f"{len(status.refused)} messages were refused"
            yield Finding("wrong", about, says, f"`yobirin output show {status.name}`, then `output retry`")


def _outbox(installation: Installation, config: Config) -> Iterator[Finding]:
    from receiver.journal.reader import Reader

    for name, path in journals(installation):
        if name in ("intake", "output") or config.mqtt is None:
            continue
        try:
            reader = Reader(path)
            (waiting,) = reader.rows("SELECT count(*) FROM outbox WHERE done_at_us IS NULL")[0]
            silent = [row[0] for row in reader.rows("SELECT consumer FROM outbox_silent ORDER BY consumer")]
            reader.close()
        except YobirinError:
            continue  # told above, or the centre has never run
        for consumer in silent:
            yield Finding("wrong", f"outbox {name}", f"{consumer} gives no receipts", "see whether the consumer runs")
        yield Finding("good", f"outbox {name}", f"{waiting} messages under way")
