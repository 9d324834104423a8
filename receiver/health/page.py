"""What is answered over HTTP: three pages for machines and one for people. Pure: a request in, a response out.

    /healthz   200 as long as this process lives
    /readyz    200, or 503 with one reason a line
    /metrics   Prometheus text (`metrics.py`)
    /status    everything as one JSON object

Only GET and HEAD, only on the loopback address, and nothing in an answer names a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from receiver.health.conditions import Condition
from receiver.health.counting import Counted
from receiver.health.seen import Seen

TEXT: Final = "text/plain; charset=utf-8"
WORDS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
METHODS: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class View:
    """What there is to tell."""

    seen: Seen
    conditions: Sequence[Condition]
    counted: Counted

    @property
    def ready(self) -> bool:
        """Whether callers are heard, acknowledged and helped, as far as can be seen."""
        return not any(one.grave for one in self.conditions)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `head`: without its body."""

    status: int
    body: bytes = b""
    kind: str = TEXT
    head: bool = False

    def to_bytes(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {WORDS[self.status]}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        if self.status == 405:
            lines.append(f"Allow: {', '.join(METHODS)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head if self.head else head + self.body


def respond(request: bytes, view: View) -> Response:
    """The answer to a request's head, up to its first empty line."""
    line = request.split(b"\r\n", 1)[0].decode("latin-1")
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        return Response(400, b"not a request\n")
    method, target, _ = words
    if method not in METHODS:
        return Response(405, b"only GET and HEAD\n")
    found = _page(target.partition("?")[0], view)
    return Response(found.status, found.body, found.kind, head=method == "HEAD")


def _page(path: str, view: View) -> Response:
    match path:
        case "/healthz":
            return Response(200, b"alive\n")
        case "/readyz":
            reasons = [one.says for one in view.conditions if one.grave]
            return (
                Response(503, "".join(f"{one}\n" for one in reasons).encode()) if reasons else Response(200, b"ready\n")
            )
        case "/metrics":
            from receiver.health.metrics import CONTENT_TYPE, exposition

            return Response(200, exposition(view), CONTENT_TYPE)
        case "/status":
            return Response(200, json.dumps(status(view), ensure_ascii=False).encode() + b"\n", "application/json")
        case _:
            return Response(404, b"there are /healthz, /readyz, /metrics and /status\n")


def status(view: View) -> dict[str, Any]:
    """Everything, as `yobirin status --json` prints it."""
    return {
        "ready": view.ready,
        "conditions": [asdict(one) for one in view.conditions],
        **asdict(view.seen),
        "counted_to": view.counted.to,
        "weak_units": view.counted.weak,
        "counts": {name: asdict(counts) for name, counts in sorted(view.counted.lines.items())},
    }
