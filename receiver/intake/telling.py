"""One plain line for each thing that happened, for whoever watches the terminal or the log. No personal data."""

from __future__ import annotations

from typing import Final

from receiver.event import Record

SILENT: Final = frozenset({"kissoff.started", "audio.stored", "intake.refusing", "intake.accepting", "mirror.lost"})
"""Nothing to say, or said before they were stored."""
FOLDERS: Final = ("wav:", "pcap:")


def line_for(record: Record) -> str | None:
    """What to say about a record of intake's journal, or None."""
    payload = record.payload
    line = payload.get("line", "")
    match record.type:
        case "frame.accepted":
            return f"{line}: {_frame(record)}"
        case "call.started" | "call.ended" if line.startswith(FOLDERS):
            return None
        case "call.started":
            number = "caller ID" if payload["caller_given"] else f"no caller ID ({payload['withheld'] or 'not sent'})"
            return f"{line}: answered, {number}"
        case "call.ended":
            return (
                f"{line}: call ended: {payload['reason']} ({payload['frames']} frames, {payload['rejected']} rejected)"
            )
        case "call.unknown":
            best = f", best reading {payload['best']}" if payload["best"] else ""
            return f"{line}: reception {record.seq}: UNKNOWN CALL ({payload['kind']}{best}), an emergency until known"
        case "frame.rejected":
            why = f" ({payload['evidence']})" if payload["evidence"] else ""
            return f"{line}: not accepted: {payload['reason']}{why}, read as {payload['best']}"
        case "kissoff.completed":
            return f"{line}: reception {payload['reception']} kissed off"
        case "kissoff.missed":
            return f"{line}: reception {payload['reception']} stored, not kissed off: {payload['reason']}"
        case "recording.taken":
            problem = f"; alarm: {payload['problem']}" if payload["problem"] else ""
            heard = f"{payload['frames']} frames, {payload['rejected']} rejected"
            return f"{line}: recording taken, SHA-256 {payload['sha256'][:12]}…: {heard}{problem}"
        case "line.fault" | "line.refusing" | "call.fault":
            return f"alarm: {line}: {record.type}: {payload['reason']}"
        case "line.healed":
            how = f" after: {payload['how']}" if payload.get("how") else ""
            return f"{line}: hears again{how}"
        case "path.lost":
            return f"alarm: {line}: {payload['path']} is {payload['reason']}"
        case "path.back":
            return f"{line}: {payload['path']} is heard again"
        case "message.refused":
            return f"{line}: {payload['path']}: not accepted: {payload['reason']}"
        case "storm.began":
            busy = f"{payload['lines']} {payload['group']} {payload['busy_percent']} % busy"
            return f"alarm: more calls than lines: {busy}, {payload['calls']} calls in the last minute"
        case "storm.ended":
            return f"calm again on the {payload['group']}: {payload['calls']} calls in {payload['seconds']} s"
        case "disk.filling":
            return f"alarm: {payload['reason']}"
        case "self_call.failed":
            return f"alarm: {line}: our call to ourselves failed: {payload['reason']}"
        case "self_call.heard":
            return f"{line}: our call to ourselves was answered and acknowledged"
        case "mirror.back":
            return f"mirror {payload['folder']}: level again"
        case "clock.stepped":
            return f"alarm: the clock was stepped by {payload['by_us'] / 1e6:+.1f} s"
        case kind if kind in SILENT:
            return None
        case kind:
            return " ".join(part for part in (f"{line}:" if line else "", kind, str(payload.get("reason", ""))) if part)


def _frame(record: Record) -> str:
    payload = record.payload
    what = f"{payload['qualifier']}{payload['code']} {payload['partition']} {payload['zone']}"
    repeats = f", repeats {payload['duplicate_of']}" if payload["duplicate_of"] else ""
    silent = f", no kiss-off: {payload['kiss_off_withheld']}" if payload["no_kiss_off"] else ""
    return f"reception {record.seq}: account {payload['account']} {what} ({payload['format']}), stored{repeats}{silent}"
