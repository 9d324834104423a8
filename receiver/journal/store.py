"""The journal: events go in, and a Receipt comes out when they are on disk. The truth of everything.

`Store` is the synchronous core: one connection, one thread. Several works share one SQLite
transaction (group commit), each in a savepoint of its own:

    BEGIN IMMEDIATE ─▶ work 1 │ work 2 │ … ─▶ keys synced ─▶ COMMIT (fsync) ─▶ head noted ─▶ mirrors ─▶ Receipts
                        a work that raises is undone alone     │
                                                               └─ fails: NotStored, and the store is dead

After a failed commit nobody can say what the disk holds, and asking for the fsync once more may
report success for pages that were dropped: so it is never asked twice. The process starts again
from the file. `Journal` is the writer thread around a Store.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from receiver.clock import Clock
from receiver.errors import NotStored, StoreUnavailable
from receiver.event import Draft, Receipt
from receiver.installation import sync_folder
from receiver.journal import database
from receiver.journal.head import HeadNote, noted_head
from receiver.journal.mirror import Mirrors
from receiver.journal.projection import Projection, catch_up, move_cursors
from receiver.journal.record import COLUMNS, GENESIS, TAIL_LOST, Damaged, read
from receiver.journal.salvage import is_damage, note_damage
from receiver.journal.schema import altered
from receiver.journal.transaction import Transaction
from receiver.privacy.keys import KeyRing

__all__ = ["Committed", "Journal", "Store", "Transaction"]

T = TypeVar("T")
Work = Callable[[Transaction], Any]

BATCH_WORKS_MAX: Final = 256
"""Works in one commit; more wait for the next one."""
LOST_NUMBERS: Final = 1_000
"""Numbers skipped behind a lost tail: the note outside is not synced and may lag behind what was promised."""
QUEUE_WORKS_MAX: Final = 10_000
"""Beyond this the disk has been silent for a long time: new work is refused at once."""


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What a work returned, and proof that all it appended is durable."""

    value: T
    receipt: Receipt


class Store:
    """One journal, open for writing. Raises StoreUnavailable if it cannot be.

    on_mirror_lost    called with (folder, reason) when a mirror is dropped; from then on receipts do not wait for it
    checkpoint_every  so many events after the last checkpoint the next one is made by itself; None (intake, where a
                      kiss-off may be waiting): only when `checkpoint` is called
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        keys: KeyRing | None,
        projections: Sequence[Projection] = (),
        mirrors: Sequence[Path] = (),
        on_mirror_lost: Callable[[Path, str], None] = lambda folder, reason: None,
        checkpoint_every: int | None = None,
    ) -> None:
        self.path = path
        self._checkpoint_every = checkpoint_every
        self._clock = clock
        self._keys = keys
        self._projections = tuple(projections)
        self._dead: str | None = None
        self._mirrors: Mirrors | None = None
        self._db = database.open_writer(path)
        self._db.row_factory = sqlite3.Row
        try:
            if wrong := altered(self._db, self._projections):
                raise Damaged(f"its tables are not those that were made: {', '.join(wrong)}")
            self._head = self._stored_head()
            self._checkpointed = self._head[0]
            self._note = HeadNote(path)
            self._fold_tail()
            sync_folder(path.parent)  # the log's name; SQLite asks for this as well, but ignores the answer
            self._admit_lost_tail()
            if mirrors:
                self._mirrors = Mirrors(path, mirrors, on_mirror_lost)
        except (sqlite3.Error, Damaged, OSError) as error:
            self._db.close()
            raise database.unreadable(path, error) from error
        except BaseException:
            self._db.close()
            raise

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last durable record; (0, GENESIS) when empty."""
        return self._head

    def transact(self, *works: Work) -> list[Committed[Any] | Exception]:
        """Run the works in one durable transaction; for each its Committed, or the exception it raised.

        Raises NotStored if any of it may not be on disk; everything afterwards raises it as well.
        """
        if self._dead is not None:
            raise NotStored(self._dead)
        outcomes: list[tuple[Any, tuple[int, str]] | Exception] = []
        try:
            transaction = self._begin()
            for work in works:
                outcomes.append(self._run(transaction, work))
        except (sqlite3.Error, NotStored, OSError) as error:
            raise self._die(error) from error
        except BaseException:
            self._roll_back()
            raise
        try:
            self._commit(transaction)
        except Exception as error:  # whatever it is: memory may be ahead of the file now
            raise self._die(error) from error
        if self._mirrors is not None:
            self._mirrors.follow(self._head[0])
        if self._checkpoint_every is not None and self._head[0] - self._checkpointed >= self._checkpoint_every:
            self.checkpoint()
        return [Committed(o[0], Receipt(*o[1])) if isinstance(o, tuple) else o for o in outcomes]

    def checkpoint(self) -> None:
        """Move the log into the database file as far as readers allow (passive). Never during a call's frames."""
        if self._dead is not None:
            raise NotStored(self._dead)
        try:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise self._die(error) from error
        self._checkpointed = self._head[0]

    @property
    def mirrors_behind(self) -> tuple[Path, ...]:
        """Mirrors that were lost and are not level again."""
        return self._mirrors.behind if self._mirrors is not None else ()

    def close(self) -> None:
        """Close the file. Nothing is pending: what was not committed was never promised."""
        if self._mirrors is not None:
            self._mirrors.close()
        self._note.close()
        self._db.close()

    def _begin(self) -> Transaction:
        self._db.execute("BEGIN IMMEDIATE")
        if self._stored_head(check=False) != self._head:
            raise NotStored("another process has written to this journal")
        return Transaction(self._db, self._keys, self._projections, self._head, self._clock.now().utc_us)

    def _run(self, transaction: Transaction, work: Work) -> tuple[Any, tuple[int, str]] | Exception:
        head = transaction._head
        self._db.execute("SAVEPOINT work")
        try:
            value = work(transaction)
            if transaction._broken is not None:
                raise transaction._broken
        except Exception as error:
            if not self._db.in_transaction or is_damage(error):  # SQLite gave it up (disk full, I/O error), or should
                raise NotStored(str(error)) from error
            self._db.execute("ROLLBACK TO work")
            self._db.execute("RELEASE work")
            transaction._head, transaction._broken = head, None
            return error
        self._db.execute("RELEASE work")
        return value, transaction._head

    def _commit(self, transaction: Transaction) -> None:
        """Keys first, then the events that need them; the head is noted outside once both are durable."""
        transaction._open = False
        if transaction._head != self._head:
            move_cursors(self._db, self._projections, transaction._head[0])
        if self._keys is not None:
            self._keys.commit()
        self._db.execute("COMMIT")
        if transaction._head != self._head:
            self._head = transaction._head
            with suppress(OSError):  # an older note still guards the older part; no promise rests on it
                self._note.note(*self._head)

    def _die(self, error: Exception) -> NotStored:
        self._dead = f"{self.path}: not stored ({error}); nothing of it is acknowledged, restart from the file"
        self._roll_back()
        if is_damage(error):
            note_damage(self.path)
        return NotStored(self._dead)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _stored_head(self, *, check: bool = True) -> tuple[int, str]:
        row = self._db.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        if row is None:
            return 0, GENESIS
        if check:
            read(tuple(row))
        return row["seq"], row["hash"]

    def _fold_tail(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            catch_up(self._db, self._projections)
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _admit_lost_tail(self) -> None:
        """The journal is shorter than, or another one than, the head noted outside says: say so in the journal.

        Reception goes on: a receiver that refuses calls because of yesterday's loss loses today's as well. No number
        that others may have seen is given out again.
        """
        noted = noted_head(self.path)
        if noted is None or self._hash_at(noted[0]) == noted[1]:
            return
        found_seq, found_hash = self._head
        seq = max(found_seq + 1, noted[0] + LOST_NUMBERS)
        fact = {"noted_seq": noted[0], "noted_hash": noted[1], "found_seq": found_seq, "found_hash": found_hash}
        (outcome,) = self.transact(lambda transaction: transaction._append(Draft(TAIL_LOST, fact), seq))
        if isinstance(outcome, Exception):
            raise outcome
        self._note.reset(*self._head)

    def _hash_at(self, seq: int) -> str | None:
        if seq == 0:
            return GENESIS
        row = self._db.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
        return row["hash"] if row else None


_Item = tuple[Callable[[Any], Any], "Future[Any]", bool]


class Journal:
    """The writer thread: works are submitted from anywhere and committed in groups, in order.

    The factory runs on the writer's thread; what it raises is raised here.
    """

    def __init__(self, store_factory: Callable[[], Store]) -> None:
        self._queue: queue.Queue[_Item | None] = queue.Queue(QUEUE_WORKS_MAX)
        self._closed = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._write, args=(store_factory, opened), name="journal", daemon=True)
        self._thread.start()
        opened.result()

    def submit(self, work: Callable[[Transaction], T]) -> Future[Committed[T]]:
        """Queue a work. The future gives its Committed, the exception it raised, or NotStored."""
        return self._put(work, in_transaction=True)

    def checkpoint(self) -> Future[None]:
        """Queue a passive checkpoint. To be called when no call is between its first digit and its kiss-off."""
        return self._put(Store.checkpoint, in_transaction=False)

    def mirrors_behind(self) -> Future[tuple[Path, ...]]:
        """Ask which mirrors receipts do not wait for."""
        return self._put(lambda store: store.mirrors_behind, in_transaction=False)

    def close(self) -> None:
        """Finish what is queued, then close the store."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _put(self, work: Callable[[Any], Any], *, in_transaction: bool) -> Future[Any]:
        future: Future[Any] = Future()
        if self._closed:
            future.set_exception(StoreUnavailable("the journal is closed"))
            return future
        try:
            self._queue.put_nowait((work, future, in_transaction))
        except queue.Full:
            future.set_exception(StoreUnavailable(f"the disk does not keep up: {QUEUE_WORKS_MAX} works wait already"))
        return future

    def _write(self, store_factory: Callable[[], Store], opened: Future[None]) -> None:
        try:
            store = store_factory()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        try:
            while (batch := self._next_batch()) is not None:
                _perform(store, batch)
        finally:
            store.close()

    def _next_batch(self) -> list[_Item] | None:
        """All that waits, at least one; None when the journal was closed and nothing is left."""
        item = self._queue.get()
        if item is None:
            return None
        batch = [item]
        while len(batch) < BATCH_WORKS_MAX:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)  # nothing can come behind it any more: close() has refused it
                break
            batch.append(item)
        return batch


def _perform(store: Store, batch: Sequence[_Item]) -> None:
    """Commit the batch and answer every future: a work's author may be wrong, the thread lives on."""
    wanted = [item for item in batch if item[1].set_running_or_notify_cancel()]
    works = [(work, future) for work, future, in_transaction in wanted if in_transaction]
    chores = [(chore, future) for chore, future, in_transaction in wanted if not in_transaction]
    if works:
        try:
            outcomes = store.transact(*(_guarded(work) for work, _ in works))
        except BaseException as error:
            outcomes = [error if isinstance(error, Exception) else NotStored(repr(error))] * len(works)
        for (_, future), outcome in zip(works, outcomes, strict=True):
            _answer(future, outcome)
    for chore, future in chores:
        try:
            future.set_result(chore(store))
        except BaseException as error:
            future.set_exception(error)


def _answer(future: Future[Any], outcome: Committed[Any] | Exception) -> None:
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _guarded(work: Work) -> Work:
    """`sys.exit` and the like inside a work are that work's failure, not the end of the writer."""

    def guarded(transaction: Transaction) -> Any:
        try:
            return work(transaction)
        except Exception:
            raise
        except BaseException as error:
            raise RuntimeError(f"a work raised {error!r}") from error

    return guarded
