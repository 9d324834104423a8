"""One call as a recording or a capture holds it: its directions, what of them is lost, its event digits.

The same value whatever the file was, so that what reads recordings need not know of files.
"""

from __future__ import annotations

from dataclasses import dataclass

from decoder.samples import Samples
from decoder.symbols import Digit

WITHHELD = "P"
"""In place of the caller's number: withheld at the caller's wish, as in `line.Ringing`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One direction of a call.

    name   : "mono", "left", "right", or an RTP path "192.0.2.1:4000>192.0.2.9:5000"
    samples: from the call's sample 0; what the network lost is in `samples.lost`
    events : RFC 4733 and SIP INFO digits (`Witness.EVENT`, `INFO`) on the same count of samples
    """

    name: str
    samples: Samples
    events: tuple[Digit, ...] = ()


@dataclass(frozen=True, slots=True)
class CallAudio:
    """One call.

    call          : SIP Call-ID; "rtp-1", "rtp-2" … where the capture has none; "" for a recording
    caller, called: the numbers of SIP From and To, None if not given, `WITHHELD`
    started_utc_us: when sample 0 was heard, where the file knows it
    problem       : None, or one line: why this is not all of it
    """

    call: str
    channels: tuple[Channel, ...]
    caller: str | None = None
    called: str | None = None
    started_utc_us: int | None = None
    problem: str | None = None
