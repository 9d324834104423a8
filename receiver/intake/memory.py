"""What a call remembers besides its state, and what follows from it: whose turn it is, and until when.

Samples throughout. Only `call.py` writes here; the questions are pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from decoder.frame import Frame
from receiver.event import Receipt
from receiver.intake.call_settings import CallSettings
from receiver.intake.words import State, What


@dataclass(slots=True)
class Pending:
    """A frame that the journal has, or has been asked to keep; its receipt, once there is one."""

    frame: Frame
    receipt: Receipt | None = None
    reception: int = 0


@dataclass(frozen=True, slots=True)
class Playing:
    """What we play.

    until         sample by which it must have ended
    acknowledges  the frame, if it is a kiss-off
    since         its first sample; None before the line has said so
    """

    token: int
    until: int
    acknowledges: Pending | None
    since: int | None = None


@dataclass(slots=True)
class Memory:
    """One call's memory.

    caller_digest  keyed hash of the caller's number, if it was given
    quiet_since  end of the last thing that was heard or played
    stirring     when something last sounded that may be weak digits
    sounding     when anything last sounded that was not ours
    voiced       samples of somebody's voice, in all and since the last kiss-off
    best         the longest reading of what was rejected
    account      of the first frame acknowledged: the account of this call
    owes         a message was heard for which no kiss-off has been played whole
    unknown      the call was reported as an unknown emergency
    overflown    the bound of frames was reported
    talks        somebody speaks, or will: the line stays up
    may_go       in a hurry: the unit has told all, unless it begins to tell more at once
    pending      by token of the commit
    """

    settings: CallSettings
    caller_digest: str | None = None
    greetings: int = 0
    quiet_since: int = 0
    stirring: int = 0
    sounding: int = 0
    last_digit: int = 0
    digits: int = 0
    voiced: int = 0
    voiced_since_kiss_off: int = 0
    frames: int = 0
    rejected: int = 0
    best: str | None = None
    account: str | None = None
    kissed_off: bool = False
    owes: bool = False
    unknown: bool = False
    overflown: bool = False
    talks: bool = False
    may_go: bool = False
    pending: dict[int, Pending] = field(default_factory=dict)
    playing: Playing | None = None

    def deadline(self, state: State) -> int | None:
        """Sample at which time alone has something to say in this state, or None."""
        settings = self.settings
        match state:
            case State.PAUSING:
                return settings.answer_pause
            case State.GREETING | State.KISSING_OFF:
                return self.playing.until if self.playing else 0
            case State.LISTENING:
                return self._not_for_ever(self._heard_out(self.quiet_since + self._patience()))
            case State.COLLECTING:
                return self._not_for_ever(self.last_digit + settings.stray_digits_wait)
            case State.COMMITTING:
                return max(self.quiet_since, self.last_digit) + settings.commit_wait
            case State.CONFIRMED:
                confirmed = self.confirmed
                return confirmed.frame.end + settings.kiss_off_not_before if confirmed else 0
            case State.TALKING if not self.voiced:
                return self.quiet_since + settings.listen_in_wait
            case _:
                return None

    def time_is_up(self, state: State, at: int) -> What:
        """What it means that the deadline of this state has come."""
        settings = self.settings
        match state:
            case State.LISTENING | State.COLLECTING if self._brings_nothing and at >= settings.no_message_after:
                return What.ENDLESS
            case State.PAUSING | State.CONFIRMED:
                return What.PAUSE_OVER
            case State.LISTENING if self.kissed_off:
                speaks = self.voiced_since_kiss_off >= settings.voice_least
                return What.SOMEBODY if speaks else What.SESSION_OVER
            case State.LISTENING if self.greetings < settings.greetings_max:
                return What.NO_ANSWER
            case State.LISTENING:
                return What.SOMEBODY if self.speaks else What.NOBODY
            case State.TALKING:
                return What.NOBODY
            case State.COLLECTING:
                return What.STRAY
            case _:
                return What.STALLED if self.speaks else What.OUT_OF_TIME

    @property
    def speaks(self) -> bool:
        """There was enough of a voice to be somebody's."""
        return self.voiced >= self.settings.voice_least

    @property
    def confirmed(self) -> Pending | None:
        """The frame whose receipt is here and that waits for its kiss-off; the newest, if there are several."""
        return next((one for one in reversed(self.pending.values()) if one.receipt is not None), None)

    def in_time(self, pending: Pending, at: int) -> bool:
        """Whether a kiss-off ordered now would still begin while the panel waits for it."""
        return at <= pending.frame.end + self.settings.kiss_off_ordered_by

    def is_playing(self, token: int) -> bool:
        return self.playing is not None and self.playing.token == token

    def doubt(self, frame: Frame) -> str | None:
        """Why this frame is recorded but not acknowledged, or None.

        Once a frame of this call is acknowledged, whatever a loudspeaker in the room says must not
        be taken for the unit: only a certain frame of the same account is.
        """
        if self.account is not None and frame.account != self.account:
            return "another account spoke on this call"
        suspect = frame.recovered or self.account is not None or self.talks
        if suspect and frame.confidence < self.settings.accept_level:
            return "not certain enough"
        return None

    @property
    def _brings_nothing(self) -> bool:
        """Neither a frame nor a voice so far."""
        return not self.frames and not self.speaks

    def _not_for_ever(self, deadline: int) -> int:
        return min(deadline, self.settings.no_message_after) if self._brings_nothing else deadline

    def _heard_out(self, deadline: int) -> int:
        """The deadline put off for what may be weak digits, until it is known what they are."""
        settled = self.stirring + self.settings.stirring_settled
        return max(deadline, min(settled, deadline + self.settings.stirring_wait)) if self.stirring else deadline

    def _patience(self) -> int:
        """How long LISTENING waits before something must happen."""
        if self.kissed_off:
            return self._next_frame_wait()
        if self.greetings < self.settings.greetings_max:
            return self.settings.first_digit_wait
        return self.settings.nobody_after

    def _next_frame_wait(self) -> int:
        """Behind the kiss-off. Whatever sounds there, a digit or somebody, has the time that it would always have."""
        if not self.may_go or self.speaks or self.owes or self.sounding > self.quiet_since:
            return self.settings.next_frame_wait
        return self.settings.hurried_next_frame_wait
