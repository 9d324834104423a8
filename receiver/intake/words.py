"""The words of the call machine's table: where a call stands, and what can happen to it."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    RINGING = auto()  # not answered yet
    PAUSING = auto()  # answered; the line settles
    GREETING = auto()  # our handshake plays, or the answer to what bore no message
    LISTENING = auto()  # waiting for digits
    COLLECTING = auto()  # digits of a message are arriving
    COMMITTING = auto()  # a frame is with the journal
    CONFIRMED = auto()  # its receipt is here; the pause before the kiss-off is not over
    KISSING_OFF = auto()  # the kiss-off plays
    TALKING = auto()  # somebody speaks: never ended by us
    LEAVING = auto()  # we have hung up; the line has not confirmed it
    GONE = auto()  # over


class What(Enum):
    """What happened, in the words of the table."""

    ANSWERED = auto()
    PAUSE_OVER = auto()  # time: the pause of this state has passed
    NO_ANSWER = auto()  # time: nothing came after this handshake, and there are more to try
    NOBODY = auto()  # time: neither tone nor voice
    SOMEBODY = auto()  # voice, and no message
    SESSION_OVER = auto()  # time: nothing more after the kiss-off
    STRAY = auto()  # time: digits that became no message
    ENDLESS = auto()  # time: signals for minutes, and never a message
    OUT_OF_TIME = auto()  # time: the journal or the line does not answer
    STALLED = auto()  # the same, and somebody speaks
    DIGIT = auto()
    FRAME = auto()
    DOUBTFUL = auto()  # a frame to be recorded and shown, not acknowledged
    SURPLUS = auto()  # a frame beyond the bound of a call
    UNWANTED = auto()  # the same, and somebody speaks
    REJECTED = auto()
    ASKED = auto()  # an answer is wanted, and there is nothing in it to be stored
    VOICE = auto()
    STIRRING = auto()  # something that may be weak digits
    SOUNDING = auto()  # anything that is not ours, whatever it will turn out to be
    STARTED = auto()  # our tone began
    PLAYED = auto()
    CUT = auto()  # our tone was cut short
    STORED = auto()  # receipt, in time for a kiss-off
    LATE = auto()  # receipt, too late for one
    RECORDED = auto()  # receipt of something that is not acknowledged
    NOT_STORED = auto()
    RELEASE = auto()
    GONE = auto()
    NOTHING = auto()  # an answer to a question of before
