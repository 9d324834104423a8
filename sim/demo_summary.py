"""What the demonstration prints at its end: every case with its clauses and times, and the receptions."""

from __future__ import annotations

from receiver.clock import local
from receiver.installation import Installation
from receiver.journal.export import Receptions
from receiver.journal.reader import Reader
from receiver.scenario import Scenario

SILENT = ("timer.set", "timer.done")


def summary(installation: Installation, scenario: Scenario) -> list[str]:
    """Lines for the terminal."""
    reader = Reader(installation.store_db(scenario.name))
    lines = ["", f"{'case':<6}{'kind':<30}{'opened':<18}{'closed':<18}state"]
    steps: list[str] = []
    for row in reader.rows("SELECT no, kind, opened_at_us, closed_at_us, state FROM case_row ORDER BY no"):
        number, kind, opened, closed, state = row
        ended = _time(closed) if closed else "-"
        lines.append(f"{number:<6}{kind:<30}{_time(opened):<18}{ended:<18}{state}")
        steps += ["", f"case {number}: {kind}"]
        for (seq,) in reader.rows("SELECT seq FROM case_step WHERE case_no = ? ORDER BY seq", number):
            record = reader.record(seq)
            if record is not None and record.type not in SILENT:
                clause, state = record.payload.get("clause", ""), record.payload.get("state", "")
                steps.append(f"  {_time(record.at_us)}  {clause:<12}{record.type:<24}{state}")
    reader.close()
    return [*lines, *steps, "", *_receptions(installation)]


def _receptions(installation: Installation) -> list[str]:
    lines = ["receptions, as `yobirin events export` gives them:"]
    for one in Receptions(installation).after(0):
        kissed = "kissed off" if one.kissed_off_at_unix else "no kiss-off"
        lines.append(f"  {one.id:<5}{one.raw or one.format}  {kissed}  case {one.case_id or '-'}")
    return lines


def _time(utc_us: int) -> str:
    return f"{local(utc_us):%m-%d %H:%M:%S}"
