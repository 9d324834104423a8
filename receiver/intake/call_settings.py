"""What can be set about taking a call, with the reason of each default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from decoder.exchange import Asked, Asking, Format, ToneStep
from decoder.frame import Frame
from decoder.samples import RATE_HZ, from_ms

LISTEN_IN: Final = "606"  # Contact ID "listen-in to follow": speech comes after the kiss-off
SPEECH_FOLLOWS: Final = frozenset({"bs8521", "stmf", "tt92"})  # tele-care units open a voice path without saying so


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Times in samples, each with its reason. `contact-id` timing: SIA DC-05.

    hurried  the line is needed for others: the greeting as early as the standard allows, and let go as soon as the
             unit would have begun its next message. Nothing that is heard is cut off for it.
    """

    formats: tuple[Format, ...]
    answer_pause: int = from_ms(1250)  # the line must settle: 0.5–2 s
    first_digit_wait: int = from_ms(2000)  # then the next handshake
    greetings_max: int = 4
    nobody_after: int = 10 * RATE_HZ  # neither tone nor voice: the line is needed for others
    kiss_off_not_before: int = from_ms(100)  # behind the last digit: the panel is still switching to listening
    kiss_off_ordered_by: int = from_ms(850)  # + 150 ms to switch the line = 1.0 s; the panel repeats at 1.25 s
    kiss_off_heard_until: int = from_ms(1250)  # one that begins later is none for the panel: it repeats already
    next_frame_wait: int = from_ms(3000)  # after a kiss-off; panels begin the next message after 250–300 ms
    stirring_settled: int = from_ms(300)  # behind what may be weak digits: it is known by then whether they were
    stirring_wait: int = from_ms(4000)  # longer than a message: what goes on then is noise, or somebody
    stray_digits_wait: int = from_ms(2000)
    commit_wait: int = 10 * RATE_HZ  # the journal says neither yes nor no: nobody waits for that on a line
    play_wait: int = 3 * RATE_HZ  # beyond the length of what is played
    voice_least: int = from_ms(400)  # less is a click, a cough of the line
    voice_sure: int = from_ms(3000)  # so much of it, and not one digit: somebody speaks; wait no longer
    listen_in_wait: int = 120 * RATE_HZ  # announced speech that never comes
    no_message_after: int = 300 * RATE_HZ  # neither a message nor a voice in all that time
    accept_level: float = 0.8  # of a frame's confidence, where soft decisions or a talking call make it doubtful
    frames_max: int = 100
    rejected_max: int = 50
    keeps_line: Callable[[Frame], bool] = lambda frame: frame.code == LISTEN_IN
    hurried: bool = False
    hurried_answer_pause: int = from_ms(500)  # SIA DC-05: 0.5 s at least
    hurried_next_frame_wait: int = from_ms(380)  # the next message begins after 250–300 ms and is `Sounding` by then

    @property
    def greetings(self) -> tuple[tuple[ToneStep, ...], ...]:
        """The handshakes, in the order of the formats: one that several of them share is played once a round.

        Units that wait for none speak meanwhile; where nobody waits for any there is one of no tones.
        """
        return tuple(dict.fromkeys(known.greeting for known in self.formats if known.greeting)) or ((),)

    def in_a_hurry(self) -> CallSettings:
        """The same for a line that is needed for others."""
        return replace(self, hurried=True, answer_pause=min(self.answer_pause, self.hurried_answer_pause))

    def led_by(self, first: Format) -> CallSettings:
        """The same for callers who speak this format: it is greeted first, whatever else is read."""
        others = (known for known in self.formats if known.name != first.name)
        return replace(self, formats=(first, *others))

    def lets_go_early(self, told: Frame) -> bool:
        """Whether nothing has to be waited for behind this frame's kiss-off but the unit's next message.

        A format with a session of its own says when it has no more.
        """
        known = self.format_of(told)
        return self.hurried and known.name not in SPEECH_FOLLOWS and not isinstance(known.reader(), Asking)

    def format_of(self, heard: Frame | Asked) -> Format:
        return next(known for known in self.formats if known.name == heard.format)
