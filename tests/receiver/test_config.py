"""One file, checked as a whole; every refusal is one line that names key, reason and nearest known word."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import demonstration, scenario, yobirin
from decoder.registry import LIVE
from drivers.registry import split_name
from receiver.commands.intake import settings_of
from receiver.commands.wiring import Wiring
from receiver.config import (
    LAST_GOOD,
    SCHEMES,
    Begin,
    Config,
    ConsumerConfig,
    IntakeConfig,
    LineConfig,
    MqttConfig,
    Reserve,
    Wants,
    default,
    keys,
    load,
)
from receiver.errors import BadInput, PartlyDone
from receiver.supervisor import LastGood

Write = Callable[[str], Path]
EXAMPLE = Path(__file__).parents[2] / "examples" / "yobirin.toml"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        (tmp_path / "yobirin.toml").write_text(text, encoding="utf-8")
        return tmp_path / "yobirin.toml"

    return write


def test_an_empty_file_is_the_defaults(write: Write, tmp_path: Path) -> None:
    path = write("")
    assert load(path) == Config(data=tmp_path / "data", file=path)
    assert default(tmp_path / "data") == Config(data=tmp_path / "data")


def test_relative_paths_count_from_the_files_own_folder(write: Write, tmp_path: Path) -> None:
    config = load(
        write(
            """
            data = "d"
            lines = ["modem:/dev/ttyACM0", "wav:incoming"]
            mirror = ["/other/disk", "near"]
            key_file = "key"
            [[line]]
            uri = "pcap:captures"
            reserve = "emergency"
            [mqtt]
            host = "broker"
            tls = true
            ca_file = "ca.pem"
            [[mqtt.consumer]]
            name = "kanshi"
            wants = ["task"]
            """
        )
    )
    assert config.data == tmp_path / "d"
    assert config.lines == (
        LineConfig("modem:/dev/ttyACM0"),
        LineConfig(f"wav:{tmp_path}/incoming"),
        LineConfig(f"pcap:{tmp_path}/captures", reserve=Reserve.EMERGENCY),
    )
    assert config.mirror == (Path("/other/disk"), tmp_path / "near")
    assert config.key_file == tmp_path / "key"
    assert config.mqtt == MqttConfig(
        "broker",
        tls=True,
        ca_file=tmp_path / "ca.pem",
        consumers=(ConsumerConfig("kanshi", (Wants.TASK,)),),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dta = 'x'", 'unknown key "dta"; did you mean "data"?'),
        ("[mqtt]\nhost = 'x'\nprot = 1", 'mqtt: unknown key "prot"; did you mean "port"?'),
        ("[[line]]\nuri = 'wav:x'\nprofil = 'x'", 'line[1]: unknown key "profil"; did you mean "profile"?'),
        ("[mqtt]\nhost = 'x'\n[[mqtt.consumer]]\nnam = 'x'", 'unknown key "nam"; did you mean "name"?'),
        ("[mqtt]\nport = 1883", "mqtt.host: is missing"),
        ("[mqtt]\nhost = 'x'\nport = '1883'", "mqtt.port: must be a valid integer"),
        ("[mqtt]\nhost = 'x'\ntls = 1", "mqtt.tls: must be a valid boolean"),
        ("[mqtt]\nhost = 'x'\nport = 70000", "mqtt.port: 70000 is not within 1 … 65535"),
        ("[mqtt]\nhost = 'x'\nca_file = 'x'", "need tls = true"),
        ("[mqtt]\nhost = 'x'\npassword_file = 'x'", "needs a username"),
        ("[mqtt]\nhost = 'x'\n[mqtt.consumer]\nname = 'x'", "double brackets"),
        ("[mqtt]\nhost = 'x'\n[[mqtt.consumer]]\nname = '+/#'", "small letters"),
        (
            "[mqtt]\nhost = 'x'\n[[mqtt.consumer]]\nname = 'a'\n[[mqtt.consumer]]\nname = 'a'",
            'two consumers are called "a"',
        ),
        (
            "[mqtt]\nhost = 'x'\n[[mqtt.consumer]]\nname = 'a'\nwants = ['evnt']",
            "consumer[1].wants[1]: must be 'event'",
        ),
        ("lines = 'wav:x'", "lines: must be an array"),
        ("lines = ['modm:/dev/x']", 'lines[1]: "modm:" is no kind of line; did you mean "modem"?'),
        ("lines = ['wav:x', 'wav:']", 'lines[2]: "wav:" is not a line'),
        ("lines = ['wav:x', 'wav:x']", "stands twice"),
        ("[line]\nuri = 'wav:x'", "double brackets"),
        ("site = 'a/b'", "small letters"),
        ("heartbeat_url = 'ftp://x'", "https://"),
        ("heartbeat_url = 'http://'", "names no host"),
        ("mirror = ['']", "names no folder"),
        ("[console]\nlisten = '0.0.0.0:8440'", "without TLS"),
        ("[console]\nlisten = '8440'", "ADDRESS:PORT"),
        ("[console]\ntls_key = 'x'", "come together"),
        ("[intake]\nt_answer_ms = 0", "intake.t_answer_ms: 0 is not within"),
        ("file = 'x'", 'unknown key "file"'),
        ("data = ", "is not TOML"),
    ],
)
def test_a_refusal_names_the_key_and_the_reason_in_one_line(write: Write, text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(BadInput) as refused:
        load(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert any(says in line for line in (message, *refused.value.details))
    assert "\n" not in message


def test_every_problem_is_told_at_once(write: Write) -> None:
    with pytest.raises(BadInput) as refused:
        load(write("dta = 1\nlines = ['sip:x']\n[mqtt]\nport = 'x'"))
    assert [detail.partition("toml: ")[2].partition(":")[0] for detail in refused.value.details] == [
        "lines[1]", "mqtt.host", "mqtt.port", 'unknown key "dta"; did you mean "data"?',
    ]  # fmt: skip
    assert "4 problems; nothing was changed" in str(refused.value)


def test_what_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "sjis.toml").write_bytes("site = '紀の川'".encode("shift_jis"))
    for path, says in (
        (tmp_path / "none.toml", "no such"),
        (tmp_path, "cannot be read"),
        (tmp_path / "sjis.toml", "UTF-8"),
    ):
        with pytest.raises(BadInput, match=says):
            load(path)


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70_000), st.sampled_from(["", "x", "wav:x", "emergency"])
)
_words = st.sampled_from([key.rpartition(".")[2] for key in keys()] + ["line", "consumer", "x"])


@settings(deadline=None)
@given(st.dictionaries(_words, st.recursive(_scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(_words, v))))
def test_any_table_is_a_configuration_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("\n".join(f"{key} = {_toml(value)}" for key, value in table.items() if value is not None))
    with suppress(BadInput):
        assert load(path).file == path


def _toml(value: object) -> str:
    """A TOML value; None, which TOML has not, as an empty text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value or "")


def check(*arguments: str) -> Result:
    return CliRunner().invoke(yobirin, ["config", "check", *arguments], obj=Wiring(scenario, demonstration))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lines = ['wav:nowhere']", "nowhere: the folder is not there; mkdir"),
        ("lines = ['pcap:/nope']", "line pcap:/nope: the folder is not there; mkdir /nope"),
        ("mirror = ['/proc/x']", "mirror /proc/x: /proc is no place for files"),
        ("mirror = ['yobirin.toml/x']", "yobirin.toml is no folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_not_good(write: Write, text: str, says: str) -> None:
    path = write(text)
    for arguments in ((str(path),), (str(path), "--json")):
        done = check(*arguments)
        assert isinstance(done.exception, PartlyDone)
        assert says in done.exception.details[0]
        assert "good" not in done.stdout
    assert not (path.parent / "nowhere").exists()


def test_a_mirror_may_still_have_to_be_made(write: Write) -> None:
    path = write("mirror = ['other/disk']")
    assert "good" in check(str(path)).stdout
    assert not (path.parent / "other").exists()


def test_config_check(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    good = check(str(write("lines = ['wav:x']\n[konan]\nt_ring_s = 40\nredial_min = [1, 2]")), "--json")
    assert good.exit_code == 0
    assert '"uri": "wav:' in good.stdout
    assert isinstance(check(str(write("dta = 1"))).exception, BadInput)
    assert isinstance(check().exception, BadInput)


@pytest.mark.parametrize("broken", ["site = [", "sit = 1", None])
def test_a_part_that_starts_again_over_a_broken_file_goes_on_with_the_last_good_one(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    broken: str | None,
) -> None:
    kept = LastGood(write("site = 'kinokawa'\nlines = ['wav:in']"), tmp_path / "data" / "last-good.toml")
    kept.keep()
    good = load(kept.file)
    write(broken) if broken is not None else kept.file.unlink()
    with pytest.raises(BadInput):
        load(kept.file)
    monkeypatch.setenv(LAST_GOOD, str(kept.copy))
    assert load(kept.file) == good
    assert "alarm: the last good settings hold: " in capfd.readouterr().err
    assert load(write("site = 'other'")).site == "other"
    kept.copy.unlink()
    write("sit = 1")
    with pytest.raises(BadInput, match='unknown key "sit"'):
        load(kept.file)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("dc09:foo", "line dc09:foo: 'foo' is not ADDRESS:PORT"),
        ("dc09:127.0.0.1:12000?keys=/nope", "cannot read /nope"),
        ("scaip:127.0.0.1:5060?reply=no", "reply is one of body, message, both, not 'no'"),
        ("modem:/dev/ttyACM0?spee=8", "unknown option 'spee'"),
    ],
)
def test_a_line_that_would_be_deaf_is_refused_by_the_check(write: Write, uri: str, says: str) -> None:
    refused = check(str(write(f"lines = ['{uri}']"))).exception
    assert isinstance(refused, BadInput)
    assert says in str(refused)
    several = check(str(write(f"lines = ['{uri}', 'dc09:bar', 'dc09:127.0.0.1:12001']"))).exception
    assert isinstance(several, BadInput)
    assert [says in problem for problem in several.details] == [True, False]


def test_every_usual_format_that_shares_the_greeting_of_contact_id_is_read_unless_told_otherwise() -> None:
    assert IntakeConfig().handshakes == tuple(known.name for known in LIVE)


def test_a_format_that_does_not_exist_is_refused_by_the_check(write: Write) -> None:
    refused = check(str(write("[intake]\nhandshakes = ['contact']"))).exception
    assert isinstance(refused, BadInput)
    assert "intake.handshakes: no format 'contact'; there are: contact-id, " in str(refused)


FRAMED = (Path(__file__).parents[2] / "examples" / "profiles" / "framed-keys.toml").read_text(encoding="utf-8")
PULSED = (Path(__file__).parents[2] / "examples" / "profiles" / "pulse-fast.toml").read_text(encoding="utf-8")


def test_a_terminal_described_in_a_file_is_a_format_of_a_line(write: Write, tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "framed.toml").write_text(FRAMED, encoding="utf-8")
    path = write("[intake]\nhandshakes = ['contact-id', 'profiles/framed.toml']")
    assert check(str(path)).exit_code == 0
    found = load(path)
    assert found.intake.handshakes == ("contact-id", str(tmp_path / "profiles" / "framed.toml"))
    settings = settings_of(found)
    assert [known.name for known in settings.call.formats] == ["contact-id", "framed-keys"]
    assert settings.handshakes == found.intake.handshakes


@pytest.mark.parametrize(
    ("handshakes", "says"),
    [
        ([], "no format is named"),
        (["contact-id", "contact-id"], "two formats are called 'contact-id'"),
        (["good.toml", "good.toml"], "two formats are called 'framed-keys'"),
        (["pulse-3-1-parity", "pulse-4-1"], "pulse-3-1-parity and pulse-4-1 may take each other's messages"),
        (["pulse-4-2", "pulsed.toml"], "pulse-4-2 and pulse-fast may take each other's messages"),
        (["none.toml"], "none.toml: no such file"),
        (["bad.toml"], "bad.toml: "),
        (["ours.toml"], "'contact-id' is a format of our own"),
    ],
)
def test_formats_that_cannot_be_served_are_refused_in_one_line(
    write: Write, tmp_path: Path, handshakes: list[str], says: str
) -> None:
    (tmp_path / "good.toml").write_text(FRAMED, encoding="utf-8")
    (tmp_path / "pulsed.toml").write_text(PULSED, encoding="utf-8")
    (tmp_path / "bad.toml").write_text(FRAMED.replace("fields", "feilds"), encoding="utf-8")
    (tmp_path / "ours.toml").write_text(FRAMED.replace("framed-keys", "contact-id"), encoding="utf-8")
    refused = check(str(write(f"[intake]\nhandshakes = {handshakes}"))).exception
    assert isinstance(refused, BadInput)
    assert "intake.handshakes: " in str(refused)
    assert says in str(refused)
    assert "\n" not in str(refused)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_kind_of_line_has_a_driver(scheme: str) -> None:
    assert split_name(f"{scheme}:somewhere")[0] == scheme


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("t_rng_s = 40", 'konan.t_rng_s: there is no such setting; did you mean "t_ring_s"?'),
        ("t_ring_s = 0", "konan.t_ring_s: 0 must be a whole number, 1 or more"),
        ("t_ring_s = true", "whole number"),
        ("redial_min = 3", "must be a list such as [1, 3, 5]"),
        ('call_times = ["25:00"]', 'must be a time such as "10:00"'),
    ],
)
def test_the_contract_checks_its_own_settings(write: Write, setting: str, says: str) -> None:
    refused = check(str(write(f"[konan]\n{setting}"))).exception
    assert isinstance(refused, BadInput)
    assert says in str(refused)


def test_the_example_is_good() -> None:
    config = load(EXAMPLE)
    assert [line.uri.partition(":")[0] for line in config.lines] == ["modem", "wav", "modem"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("dc09:0.0.0.0:12000", "dc09:0.0.0.0:12000"),
        ("dc09:[::]:12000?nak_clock=yes&keys=dc09.toml", "dc09:[::]:12000?nak_clock=yes&keys={folder}/dc09.toml"),
        (
            "scaip:[::]:5061?cert=a.pem&cert_key=/b.pem&reply=body",
            "scaip:[::]:5061?cert={folder}/a.pem&cert_key=/b.pem&reply=body",
        ),
        ("surgard:tcp://192.0.2.7:1025?header=5", "surgard:tcp://192.0.2.7:1025?header=5"),
        ("surgard:/dev/ttyS0?bits=7E1", "surgard:/dev/ttyS0?bits=7E1"),
        ("wav:incoming", "wav:{folder}/incoming"),
        ("modem:tty", "modem:{folder}/tty"),
        ("modem:usb:000012345", "modem:usb:000012345"),
    ],
)
def test_paths_in_a_lines_name_count_from_the_files_folder(tmp_path: Path, given: str, meant: str) -> None:
    file = tmp_path / "yobirin.toml"
    file.write_text(f'lines = ["{given}"]\n')
    assert [line.uri for line in load(file).lines] == [meant.format(folder=tmp_path)]


def test_what_lines_differ_in(write: Write) -> None:
    found = load(
        write(
            """
            [[line]]
            uri = "modem:/dev/ttyACM0"
            reserve = "emergency"
            [[line]]
            uri = "modem:/dev/ttyACM1"
            profile = "sia-fsk"
            [intake]
            reserved_numbers = ["0775611110"]
            storm_after_s = 20
            """
        )
    )
    plans = settings_of(found).plans
    assert plans.reserved == {"modem:/dev/ttyACM0"}
    assert plans.reserved_numbers == ("0775611110",)
    assert plans.storm.after_us == 20_000_000
    named = [known.name for known in plans.settings["modem:/dev/ttyACM1"].formats]
    assert named == ["sia-fsk", *IntakeConfig().handshakes]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[line]]\nuri = 'modem:/dev/x'\nprofile = 'sia'", "line modem:/dev/x: profile: no format 'sia'; there are:"),
        ("[intake]\nreserved_numbers = ['077-561']", '"077-561" must be the digits of a called number'),
        ("[intake]\nstorm_calm_percent = 75", "storm_calm_percent must be less than storm_busy_percent"),
    ],
)
def test_what_lines_cannot_differ_in_is_refused(write: Write, text: str, says: str) -> None:
    assert says in str(check(str(write(text))).exception)


SELF_CALL = '[self_call]\nline = "modem:tty"\nnumber = "0775610000"\n'


def test_our_own_call_is_made_by_a_line_that_is_there(write: Write, tmp_path: Path) -> None:
    own = load(write(f'lines = ["modem:tty"]\n{SELF_CALL}')).self_call
    assert own is not None
    assert (own.line, own.every_min, own.account) == (f"modem:{tmp_path}/tty", 60, "0000")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SELF_CALL, 'line "modem:tty" is none of the lines'),
        (SELF_CALL.replace("modem:tty", "wav:in"), "cannot dial"),
        (SELF_CALL.replace("0775610000", "+81 77"), "is not what can be dialled"),
        (SELF_CALL + 'account = "12"\n', "must be four digits"),
        (SELF_CALL + "every_min = 1\n", "is not within 5"),
        ('[health]\nlisten = "0.0.0.0:8441"\n', "open to the network"),
        ('[health]\nlisten = "8441"\n', "is not ADDRESS:PORT"),
        ("[intake]\ndisk_warn_percent = 95\n", "must be below disk_stop_percent"),
    ],
)
def test_what_cannot_watch_over_us_is_refused(text: str, why: str, write: Write) -> None:
    with pytest.raises(BadInput, match=re.escape(why)):
        load(write(text))


def test_outputs(write: Write, tmp_path: Path) -> None:
    config = load(
        write(
            """
            lines = ["modem:tty"]
            [[output]]
            uri = "ademco685:ttyS0?receiver=2"
            wants = ["message", "unknown"]
            line_numbers = {"modem:tty" = "2"}
            """
        )
    )
    (output,) = config.outputs
    assert (output.name, output.duplicates, output.alarm_after_s, output.begin) == ("program", False, 60, Begin.NOW)
    assert output.uri == f"ademco685:{tmp_path}/ttyS0?receiver=2"
    assert output.line_numbers == {f"modem:{tmp_path}/tty": "2"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[output]\nuri = 'surgard:tcp://h'", "output: must be written [[output]]"),
        ("[[output]]\nname = 'a'", "output[1].uri: is missing"),
        ("[[output]]\nuri = 'surgard'", "is no output"),
        ("[[output]]\nuri = 'surgrad:tcp://h'", 'did you mean "surgard"?'),
        ("[[output]]\nuri = 'surgard:tcp://h'\nhearbeat = 1", 'output[1]: unknown key "hearbeat"'),
        ("[[output]]\nuri = 'surgard:tcp://h'\nname = 'A b'", "small letters"),
        ("[[output]]\nuri = 'surgard:tcp://h'\nwants = []", "wants must name"),
        ("[[output]]\nuri = 'surgard:tcp://h'\nservice_account = '123'", "four digits"),
        ("[[output]]\nuri = 'surgard:tcp://h'\n[[output]]\nuri = 'surgard:tcp://i'", "two outputs are called"),
        ("[[output]]\nuri = 'surgard:tcp://h'\n[[output]]\nname = 'b'\nuri = 'surgard:tcp://h?baud=1'", "outputs go"),
        ("outputs = []", 'unknown key "outputs"; did you mean "output"?'),
    ],
)  # fmt: skip
def test_outputs_that_are_none(write: Write, text: str, says: str) -> None:
    with pytest.raises(BadInput) as refusal:
        load(write(text))
    assert says in "\n".join([str(refusal.value), *refusal.value.details])
