"""One TOML file in, checked values out (design §11).

The file is checked as a whole before anything uses it: unknown keys are refused by name with the
nearest known one, every problem is one line, relative paths count from the file's own folder, and
every key has a default. The values are plain dataclasses; pydantic checks them and is imported only
when a file is read. Every key stands in `docs/reference/configuration.md` (a test sees to it).
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, get_args, get_type_hints

from receiver.errors import BadInput
from receiver.formats import is_profile
from receiver.report import plain_report

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SCHEMES: Final = ("modem", "dc09", "scaip", "surgard", "ademco685", "wav", "pcap")
"""Kinds of lines that this release drives."""

PATHS: Final = ("modem", "wav", "pcap")
"""Of them those whose address is a path; a hardware receiver is at one, or on the network."""
SERIAL_TOO: Final = ("surgard", "ademco685")

LAST_GOOD: Final = "YOBIRIN_LAST_GOOD"
"""In the environment of supervised parts: a copy of the file as it was when it was good last."""

PATH_OPTIONS: Final = ("keys", "cert", "cert_key")
"""Options of a line that name a file."""

OUTPUTS: Final = ("surgard", "ademco685")
"""What can be spoken to a monitoring program."""

SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""A site and a consumer name one level of an MQTT topic: nothing that could be a wildcard or a level of its own."""

SINGULAR: Final = {"consumers": "consumer", "outputs": "output"}
"""Field → what a file calls one of them."""

DIALLED: Final = re.compile(r"[0-9*#,]{1,40}")
ACCOUNT: Final = re.compile(r"[0-9B-F]{4}")

FORBID_UNKNOWN: Final = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Within:
    """A range for a number, checked by pydantic where a file is read."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, value: float) -> float:
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is not within {self.low} … {self.high}")
        return value


class Reserve(Enum):
    """Whom a line is kept free for (design §4.5)."""

    EMERGENCY = "emergency"


class Wants(Enum):
    """What a consumer has asked for: the third level of the topic."""

    EVENT = "event"
    CASE = "case"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class LineConfig:
    """One line. `uri` is `modem:/dev/ttyACM0`, `dc09:0.0.0.0:12000` …; `profile` the format it is greeted in.

    A path in it, and one that an option names, counts from the file's own folder.
    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    uri: str
    profile: str | None = None
    reserve: Reserve | None = None

    def __post_init__(self) -> None:
        scheme, colon, rest = self.uri.partition(":")
        if not colon or not rest:
            raise ValueError(f'"{self.uri}" is not a line; write for example "modem:/dev/ttyACM0" or "wav:incoming"')
        if scheme not in SCHEMES:
            raise ValueError(f'"{scheme}:" is no kind of line{_nearest(scheme, SCHEMES)}; there are {_list(SCHEMES)}')


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """Where the operators' console listens."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    listen: str = "127.0.0.1:8440"
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f'listen "{self.listen}" is not ADDRESS:PORT')
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key come together")
        if self.tls_cert is None and not _loopback(host.strip("[]")):
            raise ValueError(f'listen "{self.listen}" is open to the network without TLS; set tls_cert and tls_key')


@dataclass(frozen=True, slots=True)
class ConsumerConfig:
    """Somebody who answers for what we publish, with a receipt of its own (design §7)."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    name: str
    wants: tuple[Wants, ...] = (Wants.EVENT, Wants.CASE, Wants.TASK)
    alarm_after_s: Annotated[int, Within(1, 86_400)] = 60

    def __post_init__(self) -> None:
        if not SITE.fullmatch(self.name):
            raise ValueError(f'consumer name "{self.name}" must be small letters, digits and hyphens, at most 32')
        if not self.wants or len(set(self.wants)) != len(self.wants):
            raise ValueError(f'consumer "{self.name}": wants must name each of {_list(w.value for w in Wants)} once')


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """The broker we publish to. Without this table nothing is sent by MQTT."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    host: str
    port: Annotated[int, Within(1, 65_535)] = 1883
    client_id: str | None = None
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: Annotated[int, Within(5, 3_600)] = 30
    in_flight: Annotated[int, Within(1, 1_000)] = 20
    consumers: tuple[ConsumerConfig, ...] = ()

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file come together")
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("ca_file, cert_file and key_file need tls = true")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        if twice := _twice(consumer.name for consumer in self.consumers):
            raise ValueError(f'two consumers are called "{twice}"')


class Sends(Enum):
    """What goes to a monitoring program."""

    MESSAGE = "message"
    UNKNOWN = "unknown"
    OWN = "own"


class Begin(Enum):
    """Where a new output begins."""

    NOW = "now"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class OutputConfig:
    """A monitoring program that is given what we receive. `name` is its place in our store: it outlives the address."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    uri: str
    name: str = "program"
    wants: tuple[Sends, ...] = (Sends.MESSAGE, Sends.UNKNOWN, Sends.OWN)
    line_numbers: Mapping[str, str] = field(default_factory=dict)
    duplicates: bool = False
    account_digits: Annotated[int, Within(3, 16)] = 4
    service_account: str | None = None
    alarm_after_s: Annotated[int, Within(1, 86_400)] = 60
    begin: Begin = Begin.NOW

    def __post_init__(self) -> None:
        scheme, colon, rest = self.uri.partition(":")
        if not colon or not rest:
            raise ValueError(f'"{self.uri}" is no output; write for example "surgard:tcp://192.0.2.9:1025"')
        if scheme not in OUTPUTS:
            raise ValueError(f'"{scheme}:" is no kind of output{_nearest(scheme, OUTPUTS)}; there are {_list(OUTPUTS)}')
        if not SITE.fullmatch(self.name):
            raise ValueError(f'output name "{self.name}" must be small letters, digits and hyphens, at most 32')
        if not self.wants or len(set(self.wants)) != len(self.wants):
            raise ValueError(f'output "{self.name}": wants must name each of {_list(s.value for s in Sends)} once')
        if self.service_account is not None and not re.fullmatch("[0-9A-F]{4}", self.service_account):
            raise ValueError(f'output "{self.name}": service_account must be four digits (0-9, A-F)')


@dataclass(frozen=True, slots=True)
class IntakeConfig:
    """How calls are taken: the settings marked ⚙ where the standard and the contract leave room."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    handshakes: tuple[str, ...] = ("contact-id", "ademco-express", "high-speed")  # one greeting serves all three
    t_answer_ms: Annotated[int, Within(500, 5_000)] = 1_250
    handshake_wait_ms: Annotated[int, Within(1_000, 10_000)] = 2_000
    handshakes_max: Annotated[int, Within(1, 10)] = 4
    retransmission_window_min: Annotated[int, Within(1, 1_440)] = 30
    disk_warn_percent: Annotated[int, Within(10, 99)] = 80
    disk_stop_percent: Annotated[int, Within(50, 99)] = 95
    reserved_numbers: tuple[str, ...] = ()
    t_answer_hurried_ms: Annotated[int, Within(500, 5_000)] = 500
    let_go_ms: Annotated[int, Within(300, 10_000)] = 380
    storm_busy_percent: Annotated[int, Within(50, 100)] = 75
    storm_after_s: Annotated[int, Within(5, 300)] = 10
    storm_calm_percent: Annotated[int, Within(5, 75)] = 25
    storm_calm_s: Annotated[int, Within(10, 3_600)] = 60

    def __post_init__(self) -> None:
        if self.storm_calm_percent >= self.storm_busy_percent:
            raise ValueError("storm_calm_percent must be less than storm_busy_percent, or the mode would flicker")
        for number in self.reserved_numbers:
            if not number.isascii() or not number.isdecimal():
                raise ValueError(
                    f'reserved_numbers: "{number}" must be the digits of a called number, or of its beginning'
                )
        if self.disk_warn_percent >= self.disk_stop_percent:
            raise ValueError(
                f"disk_warn_percent {self.disk_warn_percent} must be below disk_stop_percent {self.disk_stop_percent}"
            )


@dataclass(frozen=True, slots=True)
class SelfCallConfig:
    """Our own call to one of our own numbers: which line dials what, how often, as which account."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    line: str
    number: str
    every_min: Annotated[int, Within(5, 1_440)] = 60
    account: str = "0000"

    def __post_init__(self) -> None:
        if not self.line.startswith("modem:"):
            raise ValueError(f'line "{self.line}" cannot dial; name a modem: line')
        if not DIALLED.fullmatch(self.number):
            raise ValueError(f'number "{self.number}" is not what can be dialled: digits, * and #, a comma for a pause')
        if not ACCOUNT.fullmatch(self.account):
            raise ValueError(f'account "{self.account}" must be four digits (0-9, B-F) that no unit of yours has')


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """How we watch over ourselves, and from which values on something is wrong (docs/reference/health.md)."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    listen: str = "127.0.0.1:8441"
    heartbeat_s: Annotated[int, Within(10, 3_600)] = 60
    heartbeat_failures: Annotated[int, Within(1, 100)] = 3
    centre_behind_s: Annotated[int, Within(2, 3_600)] = 10
    outbox_age_s: Annotated[int, Within(10, 86_400)] = 600
    log_mib: Annotated[int, Within(16, 100_000)] = 256
    nothing_heard_h: Annotated[int, Within(0, 8_760)] = 72
    backups: tuple[Path, ...] = ()
    backup_days: Annotated[float, Within(0.1, 366)] = 2
    level_drop_db: Annotated[float, Within(2, 30)] = 6
    twist_turn_db: Annotated[float, Within(2, 30)] = 5

    def __post_init__(self) -> None:
        if not self.listen:
            return  # nobody is answered
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f'listen "{self.listen}" is not ADDRESS:PORT, nor "" for nowhere')
        if not _loopback(host.strip("[]")):
            raise ValueError(
                f'listen "{self.listen}" is open to the network; stay on 127.0.0.1 and put a proxy before it'
            )


Setting = bool | int | float | str | tuple[int, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set. `file` is where it came from; None: the defaults."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    data: Path
    site: str = "main"
    lines: tuple[LineConfig, ...] = ()
    mirror: tuple[Path, ...] = ()
    key_file: Path | None = None
    heartbeat_url: str | None = None
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    intake: IntakeConfig = field(default_factory=IntakeConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    self_call: SelfCallConfig | None = None
    mqtt: MqttConfig | None = None
    outputs: tuple[OutputConfig, ...] = ()
    konan: Mapping[str, Setting] = field(default_factory=dict)
    file: Path | None = None

    def __post_init__(self) -> None:
        if not SITE.fullmatch(self.site):
            raise ValueError(f'site "{self.site}" must be small letters, digits and hyphens, at most 32')
        if twice := _twice(line.uri for line in self.lines):
            raise ValueError(f'line "{twice}" stands twice')
        if twice := _twice(output.name for output in self.outputs):
            raise ValueError(f'two outputs are called "{twice}"; give each a name of its own')
        if twice := _twice(output.uri.partition("?")[0] for output in self.outputs):
            raise ValueError(f'two outputs go to "{twice}"')
        if self.self_call is not None and self.self_call.line not in {line.uri for line in self.lines}:
            raise ValueError(f'self_call: line "{self.self_call.line}" is none of the lines')
        if Path() in self.mirror:
            raise ValueError('mirror "": names no folder')
        if self.heartbeat_url is not None:
            if not self.heartbeat_url.startswith(("https://", "http://")):
                raise ValueError(f'heartbeat_url "{self.heartbeat_url}" must begin with https:// or http://')
            if not self.heartbeat_url.partition("://")[2].partition("/")[0]:
                raise ValueError(f'heartbeat_url "{self.heartbeat_url}" names no host')

    def settings_of(self, contract: str) -> Mapping[str, Setting]:
        """What this installation sets otherwise than the contract's defaults; the contract itself checks it."""
        return self.konan if contract == "konan" else {}


def default(data: Path) -> Config:
    """What holds where there is no file."""
    return Config(data=data.absolute())


def load(path: Path) -> Config:
    """The configuration in `path`. Raises BadInput with one line for every problem found.

    A part that the supervisor keeps goes on with the last good one: while somebody writes a new file it may have to
    start again, and nobody would be heard.
    """
    try:
        return _checked(_read(path), path)
    except BadInput as error:
        if not (copy := os.environ.get(LAST_GOOD)):
            raise
        try:
            last_good = _checked(_read(Path(copy)), path)
        except BadInput:
            raise error from None
        plain_report(f"alarm: the last good settings hold: {error}")
        return last_good


def _checked(table: dict[str, Any], path: Path) -> Config:
    given = len(table["lines"]) if isinstance(table.get("lines"), list) else 0
    problems = list(_rewrite(table))
    if not problems:
        # JSON in strict mode: "1883" is no number and 1 is no truth, while arrays and paths are read as meant.
        from pydantic import TypeAdapter, ValidationError

        table.setdefault("data", "data")
        try:
            config = TypeAdapter(Config).validate_json(json.dumps(table, default=str), strict=True)
            return _resolved(config, path.absolute())
        except ValidationError as error:
            problems = [_problem(detail, given) for detail in error.errors(include_url=False)]
    refusal = BadInput(
        f"{path}: {problems[0]}" if len(problems) == 1 else f"{path}: {len(problems)} problems; nothing was changed"
    )
    if len(problems) > 1:
        refusal.details = tuple(f"{path}: {problem}" for problem in problems)
    raise refusal


def keys() -> list[str]:
    """Every key of the file, as `mqtt.consumer.name`; what the reference must explain."""

    def below(kind: type, prefix: str) -> Iterable[str]:
        for name, hint in _hints(kind).items():
            shown = prefix + SINGULAR.get(name, name)
            inner = _dataclass_in(hint)
            yield from below(inner, ("line" if name == "lines" else shown) + ".") if inner else ()
            if not inner or name == "lines":
                yield shown

    return list(below(Config, ""))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such configuration file; --config and YOBIRIN_CONFIG name it") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: is not TOML: {error}") from None


def _rewrite(table: dict[str, Any]) -> Iterable[str]:
    """Bring the file's shorthands into the shape of `Config`; yields what stands where it may not."""
    for name in ("file", *SINGULAR.keys()):
        if name in table:
            yield _unknown(name, Config, "")
    tables = table.pop("line", [])
    lines = table.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        yield 'lines: must be an array of texts such as ["modem:/dev/ttyACM0"]; lines with settings are [[line]] tables'
    elif not isinstance(tables, list):
        yield "line: must be written [[line]], in double brackets"
    else:
        table["lines"] = [{"uri": line} for line in lines] + tables
    if isinstance(table.get("output"), dict):
        yield "output: must be written [[output]], in double brackets"
    elif "output" in table:
        table["outputs"] = table.pop("output")
    mqtt = table.get("mqtt")
    if isinstance(mqtt, dict):
        if "consumers" in mqtt:
            yield _unknown("consumers", MqttConfig, "mqtt")
        if isinstance(mqtt.get("consumer"), dict):
            yield "mqtt.consumer: must be written [[mqtt.consumer]], in double brackets"
        elif "consumer" in mqtt:
            mqtt["consumers"] = mqtt.pop("consumer")


def _resolved(config: Config, file: Path) -> Config:
    """The same with every path absolute, from the file's folder."""

    def absolute(value: Any) -> Any:
        if isinstance(value, Path):
            return file.parent / value
        if isinstance(value, LineConfig):
            profile = value.profile
            if profile is not None and is_profile(profile):
                profile = str(file.parent / profile)
            return replace(value, uri=_from_folder(value.uri, file.parent), profile=profile)
        if isinstance(value, SelfCallConfig):
            return replace(value, line=_from_folder(value.line, file.parent))
        if isinstance(value, OutputConfig):
            numbers = {_from_folder(line, file.parent): number for line, number in value.line_numbers.items()}
            return replace(value, uri=_from_folder(value.uri, file.parent), line_numbers=numbers)
        if isinstance(value, IntakeConfig):
            named = tuple(str(file.parent / name) if is_profile(name) else name for name in value.handshakes)
            return replace(value, handshakes=named)
        if isinstance(value, tuple):
            return tuple(absolute(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: absolute(getattr(value, f.name)) for f in fields(value)})
        return value

    resolved: Config = absolute(config)
    return replace(resolved, file=file)


def _from_folder(uri: str, folder: Path) -> str:
    """A line's name with its paths absolute: what it opens or watches, and the files its options name."""
    scheme, _, rest = uri.partition(":")
    address, mark, options = rest.partition("?")
    named = scheme == "modem" and address.startswith("usb:")  # a serial number, no path
    if not named and (scheme in PATHS or (scheme in SERIAL_TOO and "://" not in address)):
        address = str(folder / address)
    given = []
    for option in options.split("&"):
        name, _, value = option.partition("=")
        given.append(f"{name}={folder / value}" if name in PATH_OPTIONS and value else option)
    return f"{scheme}:{address}{mark}{'&'.join(given)}"


def _problem(detail: ErrorDetails, given_lines: int) -> str:
    """One of pydantic's findings in the file's own terms."""
    *where, last = detail["loc"] or ("",)
    if detail["type"] == "unexpected_keyword_argument":
        return _unknown(str(last), _kind_at(where), _place(where, given_lines))
    place = _place(detail["loc"], given_lines)
    text = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if detail["type"] in ("missing", "missing_argument"):
        text = "is missing"
    return f"{place}: {text}" if place else text


def _place(loc: Iterable[int | str], given_lines: int) -> str:
    """`("mqtt", "consumers", 0, "name")` → `mqtt.consumer[1].name`; array places count from 1."""
    steps: list[str] = []
    for step in loc:
        if isinstance(step, int):
            if steps == ["lines"] and step >= given_lines:
                steps, step = ["line"], step - given_lines
            steps[-1] += f"[{step + 1}]"
        else:
            steps.append(SINGULAR.get(step, step))
    return ".".join(steps).removesuffix(".uri") if steps[:1] and steps[0].startswith("lines[") else ".".join(steps)


def _unknown(key: str, kind: type, place: str) -> str:
    names = [SINGULAR.get(name, name) for name in _hints(kind)] + (["line"] if kind is Config else [])
    return f'{place + ": " if place else ""}unknown key "{key}"{_nearest(key, names)}'


def _kind_at(loc: Iterable[int | str]) -> type:
    kind: type = Config
    for step in loc:
        if isinstance(step, str):
            kind = _dataclass_in(_hints(kind)[step]) or kind
    return kind


def _hints(kind: type) -> dict[str, Any]:
    """The fields that a file may set, with their types."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind) if (kind, f.name) != (Config, "file")}


def _dataclass_in(hint: Any) -> type | None:
    """The dataclass that a type is, may be, or is an array of."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint
    return next((found for part in get_args(hint) if (found := _dataclass_in(part))), None)


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f'; did you mean "{close[0]}"?' if close else ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
