"""One call, from answer to hang-up: a machine that promises nothing before it is on disk.

    PAUSING ─▶ GREETING ─▶ LISTENING ─▶ COLLECTING ─▶ COMMITTING ═ receipt ═▶ CONFIRMED ─▶ KISSING_OFF
                   ▲___________│  ▲_________│____________│ not stored: silence                  │
                  nobody yet      └──────────────── next frame, or hang up ◀────────────────────┘

It is told what happened (`hear`) and what time it is (`tick`); it answers with effects and with a
`deadline`. It has no clock, no line and no store. Time is samples since answer. The table at the
end of this file is the whole machine; `EVERYWHERE` says what holds in any state. The kiss-off
leaves only from CONFIRMED, and CONFIRMED is entered only with the journal's `Receipt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from decoder.exchange import Asked, ToneStep
from decoder.frame import Frame
from decoder.samples import from_ms, to_ms
from decoder.symbols import Character, Digit, Pulse
from receiver.event import Draft
from receiver.intake import drafts
from receiver.intake.call_settings import CallSettings
from receiver.intake.drafts import CallId
from receiver.intake.memory import Memory, Pending, Playing
from receiver.intake.signals import (
    Answered,
    Commit,
    Effect,
    Gone,
    HangUp,
    Input,
    Moment,
    Note,
    Play,
    Played,
    PlayStarted,
    Release,
    Sounding,
    Stirring,
    Stored,
    Unstored,
    Voice,
    Witnessed,
)
from receiver.intake.words import State, What

__all__ = ["EVERYWHERE", "TRANSITIONS", "Call", "CallSettings", "State", "What"]


class Call:
    """The machine. `tokens` numbers plays and commits, so that their answers find back."""

    def __init__(self, identity: CallId, settings: CallSettings, tokens: Iterator[int]) -> None:
        self.identity = identity
        self.state = State.RINGING
        self._settings = settings
        self._tokens = tokens
        self._memory = Memory(settings)

    def hear(self, happened: Input, now: Moment) -> list[Effect]:
        """Something happened at `now`."""
        effects = self._step(self._name_of(happened, now), happened, now)
        return effects + self.tick(now)

    def tick(self, now: Moment) -> list[Effect]:
        """Time has come to `now`; everything before it has been heard."""
        effects: list[Effect] = []
        while (deadline := self.deadline) is not None and deadline <= now.at:
            effects += self._step(self._memory.time_is_up(self.state, now.at), None, now)
        return effects

    @property
    def deadline(self) -> int | None:
        """Sample at which `tick` has something to do, or None."""
        return self._memory.deadline(self.state)

    @property
    def busy(self) -> bool:
        """Between the first digit and the end of the kiss-off: nothing else may use the disk now."""
        return self.state in (State.COLLECTING, State.COMMITTING, State.CONFIRMED, State.KISSING_OFF)

    def hurry(self) -> None:
        """The line is needed for others from now on: what comes next is shorter, nothing that has begun is."""
        self._settings = self._memory.settings = self._settings.in_a_hurry()

    # ── naming what happened ──────────────────────────────────────────────────────────────────

    def _name_of(self, happened: Input, now: Moment) -> What:
        match happened:
            case Witnessed(message=Frame() as frame):
                return self._name_of_frame(frame)
            case Witnessed():
                return What.REJECTED
            case Asked():
                return What.ASKED if self._memory.kissed_off and not self._memory.owes else What.NOTHING
            case Voice(samples):
                sure = self._memory.voiced + samples >= self._settings.voice_sure
                unanswered = not (self._memory.frames or self._memory.digits)
                return What.SOMEBODY if sure and unanswered else What.VOICE
            case PlayStarted(token):
                return What.STARTED if self._memory.is_playing(token) else What.NOTHING
            case Played(token):
                if not self._memory.is_playing(token):
                    return What.NOTHING
                return What.PLAYED if happened.complete else What.CUT
            case Stored(token):
                pending = self._memory.pending.get(token)
                if pending is None:
                    return What.RECORDED
                return What.STORED if self._memory.in_time(pending, now.at) else What.LATE
            case _:
                return _PLAIN[type(happened)]

    def _name_of_frame(self, frame: Frame) -> What:
        if self._memory.frames >= self._settings.frames_max:
            return What.UNWANTED if self._memory.speaks else What.SURPLUS
        return What.DOUBTFUL if self._memory.doubt(frame) else What.FRAME

    # ── moving ────────────────────────────────────────────────────────────────────────────────

    def _step(self, what: What, happened: Input | None, now: Moment) -> list[Effect]:
        to, action = TRANSITIONS.get((self.state, what)) or EVERYWHERE[what]
        effects = action(self, happened, now)
        if to is State.LISTENING:
            effects += self._rest(now)
        elif to is not None:
            self.state = to
        return effects

    def _rest(self, now: Moment) -> list[Effect]:
        """Go to LISTENING, unless a frame still waits for its receipt or its kiss-off, or somebody speaks."""
        effects = [effect for token in list(self._memory.pending) for effect in self._drop_late(token, now)]
        if self._memory.confirmed is not None:
            self.state = State.CONFIRMED
        elif self._memory.pending:
            self.state = State.COMMITTING
        else:
            self.state = State.TALKING if self._memory.talks else State.LISTENING
        return effects

    def _drop_late(self, token: int, now: Moment) -> list[Effect]:
        """Forget a stored frame whose kiss-off could no longer begin in time; the panel repeats it."""
        pending = self._memory.pending[token]
        if pending.receipt is None or self._memory.in_time(pending, now.at):
            return []
        del self._memory.pending[token]
        return [Note(drafts.kissoff_missed(self.identity, pending.reception, "too late for the panel"))]

    # ── actions ───────────────────────────────────────────────────────────────────────────────

    def open_call(self, answered: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(answered, Answered)
        self._memory.caller_digest = answered.caller_digest
        return [Note(drafts.call_started(self.identity, answered))]

    def greet(self, _: Input | None, now: Moment) -> list[Effect]:
        greetings = self._settings.greetings
        steps = greetings[self._memory.greetings % len(greetings)]
        self._memory.greetings += 1
        return [self._play(steps, None, now)]

    def listen(self, happened: Input | None, now: Moment) -> list[Effect]:
        self._memory.playing = None
        self._memory.quiet_since = now.at
        return []

    def attend(self, digit: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(digit, Digit | Pulse | Character)
        self._memory.digits += 1
        self._memory.last_digit = self._memory.quiet_since = digit.end
        return []

    def commit(self, witnessed: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(witnessed, Witnessed)
        assert isinstance(witnessed.message, Frame)
        frame, token = witnessed.message, next(self._tokens)
        self._memory.frames += 1
        self._memory.owes = True
        self._memory.pending[token] = Pending(frame)
        return [Commit(token, self._accepted(frame, witnessed, now, None))]

    def record_only(self, witnessed: Input | None, now: Moment) -> list[Effect]:
        """One frame heard is one reception, also when it is not acknowledged (konan-flows I2)."""
        assert isinstance(witnessed, Witnessed)
        assert isinstance(witnessed.message, Frame)
        self._memory.frames += 1
        self._memory.owes = True
        because = self._memory.doubt(witnessed.message) or "the call was ending"
        return [Commit(next(self._tokens), self._accepted(witnessed.message, witnessed, now, because))]

    def answer(self, asked: Input | None, now: Moment) -> list[Effect]:
        """The panel has no more to say. The same tone as a kiss-off: nothing that it said may be without its own."""
        assert isinstance(asked, Asked)
        rest = to_ms(max(asked.end + self._settings.kiss_off_not_before - now.at, 0))
        steps = self._settings.format_of(asked).kiss_off
        self._memory.may_go = self._settings.hurried
        return [self._play((ToneStep((), rest), *steps), None, now)]

    def refuse_surplus(self, _: Input | None, now: Moment) -> list[Effect]:
        return [*self.note_surplus(_, now), *self.hang_up(None, now)]

    def note_surplus(self, _: Input | None, now: Moment) -> list[Effect]:
        if self._memory.overflown:
            return []
        self._memory.overflown = True
        return [Note(drafts.call_overflow(self.identity, "frames", self._settings.frames_max))]

    def stay_silent(self, witnessed: Input | None, now: Moment) -> list[Effect]:
        """No acknowledgement: the panel will repeat itself. What was heard is kept, up to a bound."""
        assert isinstance(witnessed, Witnessed)
        assert not isinstance(witnessed.message, Frame)
        memory, rejected = self._memory, witnessed.message
        memory.rejected += 1
        memory.may_go = False  # it has more to tell, and repeats it when no kiss-off comes
        memory.quiet_since = max(memory.quiet_since, rejected.end)
        if len(rejected.best) > len(memory.best or ""):
            memory.best = rejected.best
        if memory.rejected > self._settings.rejected_max:
            return []
        effects: list[Effect] = [Note(drafts.frame_rejected(self.identity, rejected, witnessed.other_keys))]
        if memory.rejected == self._settings.rejected_max:
            effects.append(Note(drafts.call_overflow(self.identity, "rejected", self._settings.rejected_max)))
        return effects

    def keep_receipt(self, stored: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(stored, Stored)
        pending = self._memory.pending[stored.token]
        pending.receipt, pending.reception = stored.receipt, stored.seq
        return []

    def miss(self, stored: Input | None, now: Moment) -> list[Effect]:
        """Stored, and nobody there to hear the kiss-off, or no time left for it."""
        assert isinstance(stored, Stored)
        self._memory.pending.pop(stored.token, None)
        reason = "the call was over" if self.state is State.GONE else "too late for the panel"
        return [Note(drafts.kissoff_missed(self.identity, stored.seq, reason))]

    def forget(self, unstored: Input | None, now: Moment) -> list[Effect]:
        """Better unheard than lost: without a receipt there is no kiss-off, ever, and nothing was received."""
        assert isinstance(unstored, Unstored)
        if self._memory.pending.pop(unstored.token, None) is not None:
            self._memory.frames -= 1
        return []

    def play_kiss_off(self, _: Input | None, now: Moment) -> list[Effect]:
        confirmed = self._memory.confirmed
        assert confirmed is not None
        assert confirmed.receipt is not None
        memory = self._memory
        memory.pending = {token: one for token, one in memory.pending.items() if one is not confirmed}
        memory.account = memory.account or confirmed.frame.account
        return [self._play(self._settings.format_of(confirmed.frame).kiss_off, confirmed, now)]

    def note_start(self, started: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(started, PlayStarted)
        playing = self._memory.playing
        if playing is None:
            return []
        self._memory.playing = replace(playing, since=started.at)
        if playing.acknowledges is None:
            return []
        after = started.at - playing.acknowledges.frame.end
        return [Note(drafts.kissoff_started(self.identity, playing.acknowledges.reception, started.at, after))]

    def note_kiss_off(self, played: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(played, Played)
        memory = self._memory
        assert memory.playing is not None
        assert memory.playing.acknowledges is not None
        done, since = memory.playing.acknowledges, memory.playing.since
        if since is not None and since > done.frame.end + self._settings.kiss_off_heard_until:
            return self.note_late(played, now)
        memory.kissed_off, memory.owes, memory.voiced_since_kiss_off = True, bool(memory.pending), 0
        memory.talks = memory.talks or self._settings.keeps_line(done.frame)
        memory.may_go = self._settings.lets_go_early(done.frame)
        completed = drafts.kissoff_completed(self.identity, done.reception, now.utc_of(played.at))
        return [Note(completed), *self.listen(played, now)]

    def note_late(self, played: Input | None, now: Moment) -> list[Effect]:
        """It was ordered in time, and the line began it too late: the unit repeats, and that is no second press."""
        assert isinstance(played, Played)
        return [*self._missed_while_playing("it began too late for the panel", played.at), *self.listen(played, now)]

    def wait_for_it(self, _: Input | None, now: Moment) -> list[Effect]:
        """Nobody is greeted or hung up on in the middle of a message, however weak it is."""
        self._memory.stirring = now.at
        return []

    def note_sound(self, _: Input | None, now: Moment) -> list[Effect]:
        self._memory.sounding = now.at
        return []

    def note_cut(self, played: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(played, Played)
        return [*self._missed_while_playing("it was cut short", played.at), *self.listen(played, now)]

    def note_voice(self, voice: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(voice, Voice)
        self._memory.voiced += voice.samples
        self._memory.voiced_since_kiss_off += voice.samples
        return []

    def take_voice(self, voice: Input | None, now: Moment) -> list[Effect]:
        """Somebody is there and no message: an unknown emergency, now. The line stays up."""
        self._memory.talks = True
        noted = self.note_voice(voice, now) if isinstance(voice, Voice) else []
        return [*noted, *self._unknown(now)]

    def keep_line(self, _: Input | None, now: Moment) -> list[Effect]:
        """The journal or the line does not answer, and somebody speaks: nobody hangs up on them."""
        missed = self._missed_while_playing("the line does not say that it was played", now.at)
        self._memory.playing = None
        return [*missed, *self.take_voice(None, now)]

    def hang_up(self, why: Input | None, now: Moment) -> list[Effect]:
        reason = why.reason if isinstance(why, Release) else _LEAVING_WORDS.get(self.state, "nothing more to hear")
        return [HangUp(reason)]

    def give_up(self, _: Input | None, now: Moment) -> list[Effect]:
        return [HangUp("signals without end and no message")]

    def close(self, gone: Input | None, now: Moment) -> list[Effect]:
        assert isinstance(gone, Gone)
        memory, effects = self._memory, self._unknown(now)
        if missed := self._missed_while_playing("the call ended while it played", now.at):
            effects += missed
        elif (confirmed := self._memory.confirmed) is not None:
            effects.append(Note(drafts.kissoff_missed(self.identity, confirmed.reception, "the call ended before it")))
        memory.playing = None
        ended = drafts.call_ended(
            self.identity,
            gone.reason,
            samples=now.at,
            frames=memory.frames,
            rejected=memory.rejected,
            voice=memory.speaks,
        )
        return [*effects, Note(ended)]

    def nothing(self, _: Input | None, now: Moment) -> list[Effect]:
        return []

    # ── parts of actions ──────────────────────────────────────────────────────────────────────

    def _play(self, steps: tuple[ToneStep, ...], acknowledges: Pending | None, now: Moment) -> Play:
        token = next(self._tokens)
        length = from_ms(sum(step.ms for step in steps))
        self._memory.playing = Playing(token, now.at + length + self._settings.play_wait, acknowledges)
        return Play(token, steps)

    def _missed_while_playing(self, reason: str, until: int) -> list[Effect]:
        """What plays is a kiss-off and does not come to its end: how much of it the unit can have heard."""
        playing = self._memory.playing
        if playing is None or playing.acknowledges is None:
            return []
        frame, reception = playing.acknowledges.frame, playing.acknowledges.reception
        whole_ms = sum(step.ms for step in self._settings.format_of(frame).kiss_off)
        played_ms = 0.0 if playing.since is None else to_ms(max(0, until - playing.since))
        missed = drafts.kissoff_missed(self.identity, reception, reason, played_ms=round(min(played_ms, whole_ms)))
        return [Note(missed)]

    def _accepted(self, frame: Frame, witnessed: Witnessed, now: Moment, because: str | None) -> Draft:
        return drafts.frame_accepted(
            self.identity,
            frame,
            heard_at_us=now.utc_of(frame.end),
            withheld_because=because,
            caller_digest=self._memory.caller_digest,
            other_keys=witnessed.other_keys,
            level_dbm0=witnessed.level_dbm0,
            twist_db=witnessed.twist_db,
        )

    def _unknown(self, now: Moment) -> list[Effect]:
        """The call as an unknown emergency, once, if it brought no message but voice or digits (flows I10)."""
        memory = self._memory
        if memory.frames or memory.unknown or not (memory.speaks or memory.digits):
            return []
        memory.unknown = True
        kind = "unreadable" if memory.digits else "voice"
        draft = drafts.call_unknown(
            self.identity, kind, memory.best, heard_at_us=now.utc_us, caller_digest=memory.caller_digest
        )
        return [Commit(next(self._tokens), draft)]


Action = Callable[[Call, Input | None, Moment], list[Effect]]

_PLAIN: Final[dict[type, What]] = {
    Answered: What.ANSWERED,
    Digit: What.DIGIT,
    Pulse: What.DIGIT,
    Character: What.DIGIT,
    Unstored: What.NOT_STORED,
    Stirring: What.STIRRING,
    Sounding: What.SOUNDING,
    Release: What.RELEASE,
    Gone: What.GONE,
}

_LEAVING_WORDS: Final[dict[State, str]] = {
    State.GREETING: "the line does not play",
    State.KISSING_OFF: "the line does not play",
    State.COMMITTING: "the journal does not answer",
}

# LISTENING as a target means "rest": a frame that still waits for receipt or kiss-off goes first (`_rest`).
TRANSITIONS: Final[dict[tuple[State, What], tuple[State | None, Action]]] = {
    (State.RINGING, What.ANSWERED): (State.PAUSING, Call.open_call),
    (State.PAUSING, What.PAUSE_OVER): (State.GREETING, Call.greet),
    (State.PAUSING, What.DIGIT): (State.COLLECTING, Call.attend),  # a unit that waits for no handshake
    (State.PAUSING, What.FRAME): (State.COMMITTING, Call.commit),
    (State.GREETING, What.PLAYED): (State.LISTENING, Call.listen),
    (State.GREETING, What.CUT): (State.LISTENING, Call.listen),
    (State.GREETING, What.OUT_OF_TIME): (State.LEAVING, Call.hang_up),
    (State.GREETING, What.STALLED): (State.LISTENING, Call.keep_line),  # never hang up on somebody who speaks
    (State.LISTENING, What.DIGIT): (State.COLLECTING, Call.attend),
    (State.LISTENING, What.FRAME): (State.COMMITTING, Call.commit),
    (State.LISTENING, What.NO_ANSWER): (State.GREETING, Call.greet),
    (State.LISTENING, What.NOBODY): (State.LEAVING, Call.hang_up),
    (State.LISTENING, What.SESSION_OVER): (State.LEAVING, Call.hang_up),
    (State.LISTENING, What.SOMEBODY): (State.TALKING, Call.take_voice),
    (State.LISTENING, What.ENDLESS): (State.LEAVING, Call.give_up),
    (State.COLLECTING, What.FRAME): (State.COMMITTING, Call.commit),
    (State.LISTENING, What.STIRRING): (None, Call.wait_for_it),
    (State.LISTENING, What.ASKED): (State.GREETING, Call.answer),
    (State.COLLECTING, What.ASKED): (State.GREETING, Call.answer),
    (State.COLLECTING, What.DOUBTFUL): (State.LISTENING, Call.record_only),
    (State.COLLECTING, What.REJECTED): (State.LISTENING, Call.stay_silent),  # the panel will repeat itself
    (State.COLLECTING, What.STRAY): (State.LISTENING, Call.listen),
    (State.COLLECTING, What.ENDLESS): (State.LEAVING, Call.give_up),  # the line is needed for others
    (State.COMMITTING, What.STORED): (State.CONFIRMED, Call.keep_receipt),
    (State.COMMITTING, What.LATE): (State.LISTENING, Call.miss),  # none is begun: the panel repeats
    (State.COMMITTING, What.NOT_STORED): (State.LISTENING, Call.forget),  # better unheard than lost
    (State.COMMITTING, What.OUT_OF_TIME): (State.LEAVING, Call.hang_up),
    (State.COMMITTING, What.STALLED): (State.TALKING, Call.keep_line),
    (State.CONFIRMED, What.PAUSE_OVER): (State.KISSING_OFF, Call.play_kiss_off),
    (State.KISSING_OFF, What.PLAYED): (State.LISTENING, Call.note_kiss_off),
    (State.KISSING_OFF, What.CUT): (State.LISTENING, Call.note_cut),
    (State.KISSING_OFF, What.OUT_OF_TIME): (State.LEAVING, Call.hang_up),
    (State.KISSING_OFF, What.STALLED): (State.LISTENING, Call.keep_line),
    (State.TALKING, What.FRAME): (State.COMMITTING, Call.commit),
    (State.TALKING, What.NOBODY): (State.LEAVING, Call.hang_up),  # announced speech that never came
    (State.LEAVING, What.FRAME): (None, Call.record_only),
    (State.LEAVING, What.STORED): (None, Call.miss),
    (State.LEAVING, What.RELEASE): (None, Call.nothing),
    (State.LEAVING, What.SURPLUS): (None, Call.nothing),
    (State.GONE, What.FRAME): (None, Call.record_only),
    (State.GONE, What.STORED): (None, Call.miss),
    (State.GONE, What.RELEASE): (None, Call.nothing),
    (State.GONE, What.SURPLUS): (None, Call.nothing),
    (State.GONE, What.GONE): (None, Call.nothing),
}

# What holds in any other state. None: the state stays. A frame is never dropped, whatever we were doing.
EVERYWHERE: Final[dict[What, tuple[State | None, Action]]] = {
    What.DIGIT: (None, Call.attend),
    What.FRAME: (None, Call.commit),
    What.DOUBTFUL: (None, Call.record_only),
    What.SURPLUS: (State.LEAVING, Call.refuse_surplus),
    What.UNWANTED: (None, Call.note_surplus),
    What.REJECTED: (None, Call.stay_silent),
    What.STIRRING: (None, Call.nothing),
    What.SOUNDING: (None, Call.note_sound),
    What.ASKED: (None, Call.nothing),  # the panel asks again
    What.VOICE: (None, Call.note_voice),
    What.SOMEBODY: (None, Call.note_voice),
    What.STARTED: (None, Call.note_start),
    What.STORED: (None, Call.keep_receipt),
    What.LATE: (None, Call.miss),
    What.RECORDED: (None, Call.nothing),
    What.NOT_STORED: (None, Call.forget),
    What.RELEASE: (State.LEAVING, Call.hang_up),
    What.GONE: (State.GONE, Call.close),
    What.NOTHING: (None, Call.nothing),
    What.PLAYED: (None, Call.listen),
    What.CUT: (None, Call.note_cut),
}
