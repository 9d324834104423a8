"""The answers over HTTP: three pages and a status, and one plain refusal for everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from receiver.health.conditions import KEYS, Condition
from receiver.health.counting import Counted, LineCounts
from receiver.health.metrics import COUNTERS
from receiver.health.page import View, respond
from receiver.health.seen import BackupSeen, CentreSeen, DiskSeen, IntakeSeen, JournalSeen, LineSeen, Looked, Seen

ODD = 'modem:/dev/"odd"\\\nname'
SEEN = Seen(
    Looked(
        "41",
        (JournalSeen("intake", 7, 4_096, 8_192, 2.0),),
        (CentreSeen("konan", "42", True, 3, 1.5, 2, 9.0),),
        (DiskSeen("disk", 41.0), DiskSeen("/mnt/m", None, "gone")),
        (BackupSeen("/mnt/b", 86_400.0),),
        60.0,
    ),
    2.0,
    IntakeSeen(0.4, lines=(LineSeen("modem:a", "idle", None, 3.0), LineSeen(ODD, "deaf", "unplugged"))),
)
COUNTED = Counted(7, 2, 5, {"modem:a": LineCounts(5, 1, 2, 3, 4, 3, 1, 61.5)})
WELL = View(SEEN, [Condition("backup_old", "/mnt/b", "old", grave=False)], COUNTED)
ILL = View(
    SEEN, [Condition("line_fault", "modem:b", "modem:b is deaf"), Condition("centre_absent", "", "no centre")], COUNTED
)


def get(path: str, view: View = WELL, method: str = "GET") -> tuple[int, bytes]:
    response = respond(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), view)
    return response.status, response.to_bytes().partition(b"\r\n\r\n")[2]


def test_alive_is_not_ready() -> None:
    assert get("/healthz", ILL) == (200, b"alive\n")
    assert get("/readyz", ILL) == (503, b"modem:b is deaf\nno centre\n")
    assert get("/readyz", WELL) == (200, b"ready\n")


def test_the_status_says_everything_in_json() -> None:
    status, body = get("/status?whatever", ILL)
    said = json.loads(body)
    assert status == 200
    assert (said["ready"], said["counted_to"], said["weak_units"]) == (False, 7, 2)
    assert said["counts"]["modem:a"]["handshake_failures"] == 2
    assert said["intake"]["lines"][1]["reason"] == "unplugged"
    assert said["looked"]["centres"][0]["behind"] == 3


def test_prometheus_reads_the_metrics() -> None:
    _, body = get("/metrics", ILL)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert samples[("yobirin_ready",)] == 0
    assert {key for name, *key in samples if name == "yobirin_trouble" for key in key} == set(KEYS)
    assert samples[("yobirin_trouble", "line_fault")] == 1
    assert samples[("yobirin_line_up", "modem:a")] == 1
    assert samples[("yobirin_line_up", ODD)] == 0
    assert samples[("yobirin_handshake_failures_total", "modem:a")] == 2
    assert samples[("yobirin_line_busy_seconds_total", "modem:a")] == 61.5
    assert samples[("yobirin_centre_behind_seconds", "konan")] == 1.5
    assert samples[("yobirin_disk_used_ratio", "disk")] == 0.41
    assert ("yobirin_disk_used_ratio", "/mnt/m") not in samples  # nobody could look: no figure
    assert {f"{name}_total" for name, _ in COUNTERS.values()} <= {name for name, *_ in samples}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/status", "/"])
def test_head_has_the_same_head_and_no_body(path: str) -> None:
    request = f"{{}} {path} HTTP/1.1\r\n\r\n"
    whole, head = (respond(request.format(method).encode(), ILL).to_bytes() for method in ("GET", "HEAD"))
    assert head == whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\n\r\n", 404),
        (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"POST /readyz HTTP/1.1\r\n\r\n", 405),
        (b"GET /readyz\r\n\r\n", 400),
        (b"\xff\xfe\r\n\r\n", 400),
        (b"", 400),
    ],
)
def test_anything_else_is_refused_plainly(request_: bytes, status: int) -> None:
    response = respond(request_, WELL)
    assert response.status == status
    assert (b"\r\nAllow: GET, HEAD\r\n" in response.to_bytes()) == (status == 405)


@given(st.binary(max_size=200))
def test_whatever_comes_is_answered(request_: bytes) -> None:
    assert respond(request_, WELL).status in (200, 400, 404, 405)
