"""Where the conversation with a modem can stand, and how long it may keep us waiting there. Pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class State(Enum):
    """Where the conversation stands."""

    CLOSED = auto()
    SETTLING = auto()
    STARTING = auto()
    IDLE = auto()
    CHECKING = auto()
    REFRESHING = auto()
    ANSWERING = auto()
    DIALLING = auto()
    OPENING_RECEIVE = auto()
    RECEIVING = auto()
    STOPPING = auto()
    OPENING_PLAY = auto()
    PLAYING = auto()
    HANGING_UP = auto()


LIMIT_S: Final = {  # how long the modem may leave us waiting in a state
    State.STARTING: 4.0,
    State.CHECKING: 5.0,
    State.REFRESHING: 2.0,
    State.ANSWERING: 5.0,
    State.DIALLING: 60.0,
    State.OPENING_RECEIVE: 3.0,
    State.RECEIVING: 2.0,  # … without a single sample
    State.STOPPING: 3.0,
    State.OPENING_PLAY: 3.0,
    State.PLAYING: 3.0,  # … beyond the length of the sound
    State.HANGING_UP: 5.0,
}

SETTLE_S: Final = 0.3  # of quiet before the first command …
SETTLE_S_MAX: Final = 3.0  # … but a modem that does not stop gets its commands all the same, unless
SETTLE_BYTES_MAX: Final = 4_000  # it says so much that no answer can be told from the rest
CHECK_EVERY_S: Final = 10.0
ENDED_BY_ITSELF_MAX: Final = 5  # a modem that ends every reception itself is not listening
ANSWER_LINES_MAX: Final = 100
SIGNS_MAX: Final = 3  # dial or busy tone on an idle line, so often within …
SIGNS_WITHIN_S: Final = 10.0  # … and the modem holds the line without a call
COMPLEX_BYTES_MAX: Final = 600  # DLE X … DLE . : longer than any report of a caller
