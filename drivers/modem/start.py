"""The commands that make a modem ready, as a ladder: each rung must hold before the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.modem.at import SampleFormat, sample_formats

ASK_FORMATS: Final = "AT+VSM=?"


@dataclass(frozen=True, slots=True)
class Rung:
    """One command, what to try instead if the modem does not know it, and whether it must."""

    commands: tuple[str, ...]
    required: bool = True


LADDER: Final = (
    Rung(("ATZ",)),
    Rung(("ATE0V1",)),
    Rung(("AT+FCLASS=8",)),  # voice; first, since some modems forget the rest when the class changes
    Rung(("AT+IFC=2,2", "AT&K3"), required=False),  # RTS/CTS: XON and XOFF occur in sound
    Rung((ASK_FORMATS,)),
    Rung(("AT+VSM={number},8000,0,0", "AT+VSM={number},8000")),
    Rung(("AT+VSD=128,0",), required=False),  # no silence detection: it would cut digits
    Rung(("AT+VGR=128",), required=False),  # 128 is 0 dB
    Rung(("AT+VGT=128",), required=False),
    Rung(("AT+VCID=1",), required=False),
    Rung(("AT+VLS=0",)),
)


class Start:
    """One climb. `format` is how the modem codes sound, known after the climb."""

    def __init__(self) -> None:
        self._rung = self._attempt = 0
        self.format: SampleFormat | None = None

    @property
    def command(self) -> str | None:
        """What to send now; None at the top."""
        if self._rung == len(LADDER):
            return None
        number = "" if self.format is None else str(self.format.number)
        return LADDER[self._rung].commands[self._attempt].replace("{number}", number)

    def answered(self, good: bool, lines: list[str]) -> str | None:
        """The modem answered `command`, with `lines` before the result. Returns why it will not do, or None."""
        rung, command = LADDER[self._rung], self.command
        if good and command == ASK_FORMATS:
            formats = sample_formats(lines)
            if not formats:
                return "the modem offers no 8-bit sound at 8000 samples a second (AT+VSM=?)"
            self.format = formats[0]
        if not good and self._attempt + 1 < len(rung.commands):
            self._attempt += 1
        elif good or not rung.required:
            self._rung, self._attempt = self._rung + 1, 0
        else:
            return f"the modem answers ERROR to {command!r}"
        return None
