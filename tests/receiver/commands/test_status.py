"""`yobirin status`: the running receiver is asked; who does not answer is said in one line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import yobirin
from receiver.errors import PartlyDone, StoreUnavailable
from receiver.health.conditions import Condition
from receiver.health.counting import Counted, LineCounts
from receiver.health.page import View, status
from receiver.health.seen import BackupSeen, CentreSeen, DiskSeen, IntakeSeen, JournalSeen, LineSeen, Looked, Seen

LOOKED = Looked(
    "41",
    (JournalSeen("intake", 7, 4_096, 2**20, 2.0),),
    (CentreSeen("konan", "42", True, 3, 1.5, 2, 9.0),),
    (DiskSeen("disk", 41.0), DiskSeen("/mnt/m", None, "gone")),
    (BackupSeen("/mnt/b", 86_400.0 * 3), BackupSeen("/mnt/c")),
)
INTAKE = IntakeSeen(0.4, lines=(LineSeen("modem:a", "idle", None, 300.0), LineSeen("modem:b", "deaf", "unplugged")))
COUNTED = Counted(7, 2, None, {"modem:a": LineCounts(5, 1, 2, 3, 4, 3, 1, 7300.0)})
WELL = View(Seen(LOOKED, 2.0, INTAKE), [], COUNTED)
ILL = replace(WELL, conditions=[Condition("line_fault", "modem:b", "modem:b is deaf: unplugged")])


class Answering(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A configuration whose health.listen answers `Answering.body`."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    path = tmp_path / "yobirin.toml"
    path.write_text(f'data = "data"\n[health]\nlisten = "127.0.0.1:{server.server_address[1]}"\n')
    yield path
    server.shutdown()
    thread.join()
    server.server_close()


def said(config: Path, *more: str) -> Result:
    return CliRunner().invoke(yobirin, ["status", "--config", str(config), *more])


def test_a_receiver_that_is_well(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "body", json.dumps(status(WELL)).encode())
    result = said(config)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "ready",
        "modem:a: idle, heard 5 min ago; 5 calls (1 silent, 2 brought nothing), 3 receptions, 4 not accepted, busy 2 h",
        "modem:b: deaf",
        "journal intake: 7 events, the last 2 s ago, log 1.0 MiB",
        "centre konan: 3 events behind, 2 messages wait",
        "disk: 41 % full",
        "/mnt/m: gone",
        "/mnt/b: newest backup 3 d old",
        "/mnt/c: no complete backup",
        "2 times a unit was found to grow weak",
    ]


def test_one_that_is_not_says_why_in_both_languages(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "body", json.dumps(status(ILL)).encode())
    result = said(config)
    assert isinstance(result.exception, PartlyDone)
    first, second, third, *_ = result.output.splitlines()
    assert (first, second) == ("NOT READY", "ALARM  modem:b is deaf: unplugged")
    assert "モデムとケーブルを確認" in third
    assert json.loads(said(config, "--json").output)["ready"] is False


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"hello": 1}'])
def test_whoever_else_listens_there_is_not_believed(body: bytes, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "body", body)
    result = said(config)
    assert isinstance(result.exception, StoreUnavailable)
    assert "nobody says on 127.0.0.1:" in str(result.exception)


def test_where_nobody_answers_it_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "yobirin.toml"
    for listen, words in (("127.0.0.1:1", "start `yobirin run`"), ("", "health.listen is empty")):
        path.write_text(f'[health]\nlisten = "{listen}"\n')
        result = said(path)
        assert isinstance(result.exception, StoreUnavailable)
        assert words in str(result.exception)
