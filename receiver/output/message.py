"""What a record of the intake's journal says to a monitoring program, in any make's terms. Pure.

    frame.accepted           the frame itself
    call.unknown             somebody called and nobody could read it: in words, or E140 of our own account
    line.fault, disk.filling our own troubles and their ends: in words, or as the table below says, of our own account

Words are for a Sur-Gard's type 0. Where a make has none (Ademco 685), or a program's operators do not look at them, the
same is said in Contact ID on an account that stands for ourselves (`service_account`); its zone tells which it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from decoder.frame import Frame, Qualifier
from receiver.config import OutputConfig, Sends
from receiver.event import Record
from receiver.formats import OF_RECEIVERS, OWN_HEADER

MESSAGE: Final = "frame.accepted"
UNKNOWN: Final = "call.unknown"

NEW: Final = Qualifier.NEW.value
OVER: Final = Qualifier.RESTORE.value
LINE: Final = ""
"""Instead of a zone: the number of the line that it is about."""

OWN: Final[dict[str, tuple[str, str, str, str]]] = {
    # type                    qualifier, code, zone (SIA DC-05 codes: 300 system trouble, 305 reset, 308 shutdown,
    #                         350 communication trouble), words
    "line.fault": (NEW, "350", LINE, "LINE FAULT"),
    "line.refusing": (NEW, "350", LINE, "LINE REFUSES CALLS"),
    "line.healed": (OVER, "350", LINE, "LINE RESTORED"),
    "path.lost": (NEW, "350", LINE, "PATH LOST"),
    "path.back": (OVER, "350", LINE, "PATH RESTORED"),
    "self_call.failed": (NEW, "350", LINE, "SELF CALL FAILED"),
    "intake.started": (NEW, "305", "000", "RECEIVER STARTED"),
    "intake.stopped": (NEW, "308", "000", "RECEIVER STOPPED"),
    "intake.refusing": (NEW, "300", "901", "RECEIVER ANSWERS NO CALLS"),
    "intake.accepting": (OVER, "300", "901", "RECEIVER ANSWERS AGAIN"),
    "disk.filling": (NEW, "300", "902", "DISK FILLING"),
    "disk.eased": (OVER, "300", "902", "DISK EASED"),
    "mirror.lost": (NEW, "300", "903", "SECOND COPY LOST"),
    "mirror.back": (OVER, "300", "903", "SECOND COPY RESTORED"),
    "clock.stepped": (NEW, "300", "904", "CLOCK STEPPED"),
    "journal.tail_lost": (NEW, "300", "905", "END OF JOURNAL LOST"),
    "storm.began": (NEW, "300", "906", "MORE CALLS THAN LINES"),
    "storm.ended": (OVER, "300", "906", "CALM AGAIN"),
    "call.fault": (NEW, "300", "907", "FAULT IN A CALL"),
    "call.overflow": (NEW, "300", "908", "CALL WITH TOO MUCH TO KEEP"),
}
GONE: Final = (NEW, "300", "910", "RECEIVER DOES NOT RUN")
"""The intake: said by whoever speaks for it while it cannot."""
UNREADABLE: Final = "909"
"""Zone of a record of the journal that is damaged: it may have been anybody's alarm."""
SOMEBODY: Final = "140"
"""Contact ID: general alarm. Of an unknown call."""

TYPES: Final = frozenset({MESSAGE, UNKNOWN, *OWN})
"""Types of events that may be said."""


@dataclass(frozen=True, slots=True)
class Said:
    """frame: as it was received, None for what is none; words: the same in plain capitals

    qualifier, code, zone: the same in Contact ID of our own account; zone "": the line's number
    line, path: where it came by
    """

    frame: Frame | None
    words: str
    qualifier: str
    code: str
    zone: str = LINE
    line: str = ""
    path: str = ""

    def of_service(self, account: str, line_number: str) -> Frame:
        """In Contact ID, of the account that stands for ourselves."""
        digits = "".join(sign for sign in line_number if sign.isdigit())
        zone = self.zone or digits[-3:].zfill(3)
        return Frame("contact-id", "", account, self.qualifier, self.code, "00", zone, 0, 0, 1.0)


def said(record: Record, config: OutputConfig) -> Said | None:
    """None: nothing that this program is told."""
    payload = record.payload
    line, path = str(payload.get("line") or ""), str(payload.get("path") or "")
    if payload.get("duplicate_of") is not None and not config.duplicates:
        return None
    if payload.get("self_test"):
        return None  # our hourly call to ourselves; that it failed is told
    if record.type == MESSAGE and payload.get("format") in OF_RECEIVERS:
        words = str(payload["raw"])[OWN_HEADER:].strip() or f"MESSAGE {record.seq}"
        qualifier = OVER if payload.get("qualifier") == OVER else NEW
        return Said(None, words, qualifier, "300", LINE, line, path) if Sends.OWN in config.wants else None
    if record.type == MESSAGE:
        return _message(record, config, line, path) if Sends.MESSAGE in config.wants else None
    if record.type == UNKNOWN:
        best = f" READ AS {payload['best']}" if payload.get("best") else ""
        words = f"UNKNOWN CALL {record.seq} {str(payload.get('kind', '')).upper()}{best}"
        return Said(None, words, NEW, SOMEBODY, LINE, line, path) if Sends.UNKNOWN in config.wants else None
    if record.type not in OWN or Sends.OWN not in config.wants:
        return None
    qualifier, code, zone, words = OWN[record.type]
    reason = "" if qualifier == OVER else str(payload.get("reason") or payload.get("folder") or "")
    return Said(None, " ".join(filter(None, (words, path, reason))), qualifier, code, zone, line, path)


def damaged(seq: int) -> Said:
    """A record that cannot be read any more may have been an alarm."""
    return Said(None, f"RECEPTION {seq} UNREADABLE", NEW, SOMEBODY, UNREADABLE)


def gone() -> Said:
    """The intake does not run."""
    qualifier, code, zone, words = GONE
    return Said(None, words, qualifier, code, zone)


WORDS_ONLY: Final = frozenset({"scaip"})
"""Formats whose codes are of no family that a program knows: never to be taken for another family's."""


def _message(record: Record, config: OutputConfig, line: str, path: str) -> Said:
    payload = record.payload

    def text(name: str) -> str:
        return str(payload.get(name) or "")

    frame = Frame(
        text("format"),
        text("raw"),
        text("account"),
        text("qualifier"),
        text("code"),
        text("partition"),
        text("zone"),
        0,
        0,
        1.0,
    )
    words = f"MESSAGE {record.seq} ACCOUNT {frame.account} {frame.qualifier}{frame.code} {frame.partition} {frame.zone}"
    if frame.format in WORDS_ONLY:
        return Said(None, " ".join(words.split()), NEW, SOMEBODY, LINE, line, path)
    fitted = replace(frame, account=fitted_account(frame.account, config.account_digits))
    return Said(fitted, " ".join(words.split()), NEW, SOMEBODY, LINE, line, path)


def fitted_account(account: str, digits: int) -> str:
    """With zeros before it up to `digits`; without those before it that are too many. Nothing else is ever cut."""
    if not account:
        return account
    return account.lstrip("0").zfill(digits) if len(account) > digits else account.zfill(digits)
