"""The card of a case: who, where, which number to call first, what is owed, what was said. Japanese, for operators.

K-11.1a (the card), flows §1.2 (what identification decided), §2.4 (the spoken address above the ledger's).
The case itself is folded by `rules.book.Book` from its own events; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from receiver.clock import SECOND_US, clock_from_environment, local
from receiver.commands.case_log import ERASED, Entry, last, log_of
from receiver.commands.case_words import DUTIES, FLAGS, KINDS, STATES, TIMERS, VALUES, WITHHELD, with_code, word
from receiver.commands.posting import existing
from receiver.errors import BadInput, StoreUnavailable
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.ledger import phone
from receiver.ledger.card import Card
from receiver.ledger.projection import load
from receiver.ledger.values import Contact
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.rules.book import Book
from receiver.rules.case import Case

COLUMNS = ("no", "kind", "state", "priority", "subject", "opened_at_us", "closed_at_us", "owner", "version", "row")
SPOKEN: Final = "話された住所(こちらへ出動)"
NEAR_S: Final = 3_600  # a deadline further away is told by the clock alone


@dataclass(frozen=True, slots=True)
class CallLine:
    """The line of the case's last reception, by intake's journal. open: None if that cannot be read.

    withheld: P, C, O or S: why no number was shown
    """

    line: str | None = None
    withheld: str | None = None
    open: bool | None = None
    ended_at_us: int | None = None

    @property
    def text(self) -> str:
        if self.open:
            return f"開いている: 回線 {self.line} で話す"
        if self.ended_at_us is not None:
            return f"{local(self.ended_at_us):%H:%M:%S} に切れた(回線 {self.line})"
        return "回線の状態は不明"


@dataclass(frozen=True, slots=True)
class Due:
    """What comes next by itself; wait_us: from now, negative if it is overdue."""

    kind: str
    due_us: int
    wait_us: int

    @property
    def text(self) -> str:
        seconds = round(self.wait_us / SECOND_US)
        near = f"あと{seconds}秒" if seconds >= 0 else f"{-seconds}秒超過"
        at = f"{local(self.due_us):%Y-%m-%d %H:%M:%S}"
        return f"{at}  {word(TIMERS, self.kind)}" + (f"({near})" if abs(seconds) < NEAR_S else "")


@dataclass(frozen=True, slots=True)
class CaseView:
    """What is known of a case and its home.

    row          the case's row of the list; case: as its events leave it
    call_order   numbers to call, the first one first; the home's own where no signal came
    caller       the number that called, None if there was none
    card         of the home; others: cards beside it (D3: the caller's registered home, D8: who shares the device)
    """

    row: dict[str, Any]
    case: Case
    line: CallLine
    caller: str | None
    call_order: tuple[str, ...]
    card: Card | None
    others: tuple[Card, ...]
    due: tuple[Due, ...]
    log: tuple[Entry, ...]

    @property
    def spoken_address(self) -> str | None:
        """Where the speaker says to be, if that is not where the ledger has the home (flows §2.4)."""
        return self._address_words() if self.case.address == "differs" else None

    def _address_words(self) -> str | None:
        entry = last(self.log, "case.address")
        if entry is None:
            return None
        return ERASED if entry.erased else entry.words.get("text")

    def as_json(self) -> dict[str, Any]:
        return {
            **self.row,
            "identified": self.case.identified,
            "flags": sorted(self.case.flags),
            "duties": sorted(self.case.duties),
            "due": [{**asdict(one), "due": local(one.due_us).isoformat(timespec="seconds")} for one in self.due],
            "line": asdict(self.line),
            "caller": self.caller,
            "call_order": list(self.call_order),
            "spoken_address": self.spoken_address,
            "card": None if self.card is None else card_json(self.card),
            "other_cards": [card_json(card) for card in self.others],
            "log": [entry.as_json() for entry in self.log],
        }

    def lines(self) -> list[str]:
        return [*self._heading(), *self._home(), *self._what_is_owed(), *self._what_was_done()]

    def _heading(self) -> list[str]:
        row, case = self.row, self.case
        opened = local(row["opened_at_us"])
        previous = f"   前の事案 {case.previous}" if case.previous else ""
        lines = [
            f"事案 {row['no']}  {with_code(KINDS, row['kind'])}  {with_code(STATES, row['state'])}"
            f"  P{row['priority']}  ({row['row']})",
            f"受信 {opened:%Y-%m-%d %H:%M:%S}   担当 {row['owner'] or '未定'}   版 {row['version']}{previous}",
        ]
        lines += [f"注意 {word(FLAGS, flag)}" for flag in sorted(case.flags)]
        if case.receptions:
            lines.append(f"発信番号 {self._caller()}   着信回線 {self.line.text}")
        if self.call_order:
            marked = (f"{phone.shown(one)}{'(発信番号)' if one == self.caller else ''}" for one in self.call_order)
            lines.append(f"電話する順 {' → '.join(marked)}")
        elif self.line.open:
            lines.append("電話する順 なし: 開いている回線で話す。切らない")
        else:
            lines.append("電話する順 なし: かけられる番号がない。監督者へ")
        return lines

    def _caller(self) -> str:
        if self.caller is not None:
            return phone.shown(self.caller)
        opened = next((entry for entry in self.log if entry.type == "case.opened"), None)
        if opened is not None and opened.erased:
            return ERASED
        return WITHHELD.get(self.line.withheld or "", "なし")

    def _home(self) -> list[str]:
        spoken = [f"{SPOKEN} {self.spoken_address}"] if self.spoken_address else []
        if self.card is None:
            return [*spoken, "未特定: まず住所と名前を聞く", *self._beside()]
        return [*card_lines(self.card, spoken, self._address()), *self._beside()]

    def _address(self) -> str:
        """The answer to the address question, as a remark on the ledger's address."""
        if self.case.address is None:
            return "  [住所確認 未]"
        if self.case.address == "differs":
            return "  [話された住所と違う: 2番目]"
        said = self._address_words()
        return f"  [{word(VALUES, self.case.address)}{f': {said}' if said else ''}]"

    def _beside(self) -> list[str]:
        """The second cards, short: enough to tell the homes apart on the telephone."""
        what = "装置を共用" if "two_cards" in self.case.flags else "もう一つの候補(発信番号の登録者)"
        lines = []
        for card in self.others:
            person = card.subscriber
            if not person.name:
                lines.append(f"{what} {ERASED}")
                continue
            phones = " / ".join(phone.shown(number) for number in card.phones) or "-"
            where = f"{person.city.value} {person.zone}  [{person.status.value}]  住所 {person.address}"
            lines.append(f"{what} {person.name}({person.kana})  ID番号 {person.id_number}  {where}  電話 {phones}")
        return lines

    def _what_is_owed(self) -> list[str]:
        lines = []
        if self.case.duties:
            lines.append(f"未入力 {'、'.join(word(DUTIES, duty) for duty in sorted(self.case.duties))}")
        return lines + [f"期限 {one.text}" for one in self.due]

    def _what_was_done(self) -> list[str]:
        day = f"{local(self.row['opened_at_us']):%Y-%m-%d}"
        return ["経過", *(f"  {entry.line(day)}" for entry in self.log)]


def card_json(card: Card) -> dict[str, Any]:
    """What an operator needs of a home, as data."""
    person = card.subscriber
    return {
        "id_number": person.id_number,
        "city": person.city.value,
        "zone": person.zone,
        "name": person.name,
        "kana": person.kana,
        "address": person.address,
        "access_notes": person.access_notes,
        "key_place": person.key_place,
        "status": person.status.value,
        "phones": list(card.phones),
        "devices": [device.serial for device in card.devices],
        "cooperators": [asdict(one) for one in person.cooperators],
        "contacts": [asdict(one) for one in person.contacts],
        "household": [one.name for one in card.household],
        "notes": person.notes,
    }


def card_lines(card: Card, above_address: Sequence[str], remark: str) -> list[str]:
    """The card; `above_address` stands over the ledger's address, `remark` behind it."""
    person = card.subscriber
    devices = "、".join(f"{one.serial}({one.form.value}・{one.category.value})" for one in card.devices)
    where = f"{person.city.value} {person.zone}  [{person.status.value}]"
    if not person.name:
        return [f"{ERASED}(氏名・住所・電話)  {where}", *above_address, f"装置 {devices or '-'}"]
    lines = [
        f"{person.name}({person.kana})  ID番号 {person.id_number}  {where}",
        *above_address,
        f"{'台帳の住所' if above_address else '住所'} {person.address}{remark}",
        f"訪問時注意 {person.access_notes or '-'}   鍵 {person.key_place or '-'}",
        f"装置 {devices or '-'}",
    ]
    lines += [f"同居・装置を共用 {one.name or ERASED}  ID番号 {one.id_number or '-'}" for one in card.household]
    lines += [f"協力員{number} {_person(one)}" for number, one in enumerate(person.cooperators, 1)]
    lines += [f"緊急連絡先{number} {_person(one)}" for number, one in enumerate(person.contacts, 1)]
    return lines + ([f"備考 {person.notes}"] if person.notes else [])


def _person(one: Contact) -> str:
    extras = "・".join(word for word in (one.relation, "鍵あり" if one.keeps_key else "") if word)
    return f"{one.name}{f'({extras})' if extras else ''}  {' / '.join(one.phones) or '電話なし'}"


def case_view(installation: Installation, number: int) -> CaseView:
    """The view of case `number`. BadInput if there is no such case; StoreUnavailable without store or key."""
    path = existing(installation, installation.store_db("konan"))
    keys = KeyRing.open(installation.store_keys("konan"), installation_key(installation), writable=False)
    reader = Reader(path, keys)
    rows = reader.rows(f"SELECT {', '.join(COLUMNS)} FROM case_row WHERE no = ?", number)
    if not rows:
        raise BadInput(f"there is no case {number}; see: yobirin case list --all")
    row = dict(zip(COLUMNS, rows[0], strict=True))
    records = steps_of(reader, number)
    book = folded(records)
    case = book.case(number)
    assert case is not None, "a row of the list without the event that opened it"
    opened = next(record for record in records if record.type == "case.opened")
    private = reader.unseal(opened) or {}
    ledger = load(reader, keys)
    others = (ledger.card(subject) for subject in opened.payload.get("others") or ())
    subject = row.pop("subject")
    card = ledger.card(subject) if subject else None
    now = clock_from_environment().now()
    timers = ((timer, timer.wait_us(now, timer.stepped_us)) for timer in book.timers_of(number))
    due = (Due(timer.kind, now.utc_us + wait_us, wait_us) for timer, wait_us in timers)
    return CaseView(
        row=row,
        case=case,
        line=call_line(installation, case.receptions),
        caller=private.get("caller"),
        call_order=tuple(private.get("call_order") or (card.phones if card else ())),
        card=card,
        others=tuple(card for card in others if card is not None),
        due=tuple(sorted(due, key=lambda one: one.wait_us)),
        log=log_of(records, reader),
    )


def steps_of(reader: Reader, number: int) -> list[Record]:
    """The events of one case, oldest first."""
    rows = reader.rows("SELECT seq FROM case_step WHERE case_no = ? ORDER BY seq", number)
    return [record for row in rows if (record := reader.record(row[0])) is not None]


def folded(records: Iterable[Record]) -> Book:
    """A book that knows this case alone."""
    book = Book()
    for record in records:
        book.apply(record.type, record.payload, at_us=record.at_us, actor=record.actor, subject=record.subject)
    return book


def call_line(installation: Installation, receptions: Sequence[int]) -> CallLine:
    """The line of the last of these receptions; all unknown if intake's journal does not hold it or is not there."""
    if not receptions:
        return CallLine()
    try:
        reader = Reader(installation.intake_db)
        reception = reader.record(receptions[-1])
        if reception is None or reception.subject is None:
            return CallLine()
        call = reader.of_subjects((reception.subject,), ("call.started", "call.ended"))
    except StoreUnavailable:
        return CallLine()
    ended = next((record.at_us for record in call if record.type == "call.ended"), None)
    withheld = next((record.payload.get("withheld") for record in call if record.type == "call.started"), None)
    return CallLine(reception.payload.get("line"), withheld, bool(call) and ended is None, ended)
