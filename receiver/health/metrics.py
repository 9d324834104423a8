"""The same in Prometheus' text format, by prometheus-client (docs/adr/0018-how-we-are-asked.md).

Names and meanings stand in docs/reference/health.md. No label names a person or an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from receiver.health.conditions import KEYS, TOLD_S

if TYPE_CHECKING:
    from receiver.health.page import View

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
Values = Iterable[tuple[tuple[str, ...], float | None]]

COUNTERS: Final = {  # field of LineCounts → name and meaning
    "calls": ("yobirin_calls", "Calls answered that are over"),
    "silent": ("yobirin_silent_calls", "Calls with neither signal nor voice"),
    "handshake_failures": ("yobirin_handshake_failures", "Calls greeted that brought neither message nor voice"),
    "receptions": ("yobirin_receptions", "Receptions stored, repetitions included"),
    "rejected": ("yobirin_rejected_frames", "Messages not accepted"),
    "kiss_offs": ("yobirin_kiss_offs", "Acknowledgements played or sent to the end"),
    "faults": ("yobirin_line_faults", "Times the line was found deaf"),
    "busy_s": ("yobirin_line_busy_seconds", "Time off hook"),
}


def exposition(view: View) -> bytes:
    """The page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(view))
    return generate_latest(registry)


class _Collector:
    def __init__(self, view: View) -> None:
        self.view = view

    def collect(self) -> Iterator[Metric]:
        view, looked = self.view, self.view.seen.looked
        yield _gauge("yobirin_ready", "1 if callers are heard, acknowledged and helped", (), [((), float(view.ready))])
        counts = dict.fromkeys(KEYS, 0)
        for condition in view.conditions:
            counts[condition.key] += 1
        yield _gauge(
            "yobirin_trouble", "Conditions that hold, by key", ("key",), [((k,), n) for k, n in counts.items()]
        )
        yield from self._lines()
        yield from self._journals()
        centres = looked.centres
        for name, says, values in (
            ("yobirin_centre_behind_events", "Events of the intake not followed yet", [c.behind for c in centres]),
            ("yobirin_centre_behind_seconds", "Age of the oldest of them", [c.behind_s for c in centres]),
            ("yobirin_outbox_waiting", "Messages under way", [c.outbox_waiting for c in centres]),
            ("yobirin_outbox_age_seconds", "Age of the oldest of them", [c.outbox_age_s for c in centres]),
        ):
            yield _gauge(name, says, ("centre",), [((c.name,), v) for c, v in zip(centres, values, strict=True)])
        used = [((disk.about,), None if disk.percent is None else disk.percent / 100) for disk in looked.disks]
        yield _gauge("yobirin_disk_used_ratio", "How full, 0 to 1", ("about",), used)
        ages = [((backup.folder,), backup.age_s) for backup in looked.backups]
        yield _gauge("yobirin_backup_age_seconds", "Age of the newest complete backup", ("folder",), ages)
        pushes = [((), float(view.seen.failed_pushes))]
        yield _gauge("yobirin_heartbeats_failed", "Heartbeats in a row that did not get through", (), pushes)
        yield _gauge("yobirin_heard_seconds", "Age of the last reception", (), [((), looked.heard_ago_s)])
        yield _counter("yobirin_units_weak", "Declines of a unit's level or twist", (), [((), view.counted.weak)])
        yield _gauge("yobirin_counted_to", "Event up to which is counted", (), [((), view.counted.to)])

    def _lines(self) -> Iterator[Metric]:
        intake = self.view.seen.intake
        lines = intake.lines if intake else ()
        answering = intake is not None and intake.refusing is None and intake.told_ago_s <= TOLD_S
        up = [((one.name,), float(answering and one.state in ("idle", "busy"))) for one in lines]
        yield _gauge("yobirin_line_up", "1 if the line hears and calls on it are answered", ("line",), up)
        busy = [((one.name,), float(one.state == "busy")) for one in lines]
        yield _gauge("yobirin_line_busy", "1 during a call", ("line",), busy)
        heard = [((one.name,), one.heard_ago_s) for one in lines]
        yield _gauge("yobirin_line_heard_seconds", "Since the driver's last word", ("line",), heard)
        for field, (name, says) in COUNTERS.items():
            counted = sorted(self.view.counted.lines.items())
            yield _counter(name, says, ("line",), [((line,), getattr(counts, field)) for line, counts in counted])

    def _journals(self) -> Iterator[Metric]:
        journals = self.view.seen.looked.journals
        for name, says, values in (
            ("yobirin_journal_events", "Number of the last event", [float(j.events) for j in journals]),
            ("yobirin_journal_bytes", "Size of the file", [float(j.size_bytes) for j in journals]),
            ("yobirin_journal_log_bytes", "Size of the write-ahead log", [float(j.log_bytes) for j in journals]),
            ("yobirin_journal_age_seconds", "Age of the last event", [j.age_s for j in journals]),
        ):
            yield _gauge(name, says, ("journal",), [((j.name,), v) for j, v in zip(journals, values, strict=True)])


def _gauge(name: str, says: str, labels: tuple[str, ...], values: Values) -> Metric:
    return _filled(GaugeMetricFamily(name, says, labels=labels), values)


def _counter(name: str, says: str, labels: tuple[str, ...], values: Values) -> Metric:
    return _filled(CounterMetricFamily(name, says, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, float(value))
    return family
