"""Japanese telephone numbers as people write them, and what the contract says about lines (K-10).

A number is kept as the digits one dials inside Japan (`0775610000`), or `+` and digits where it is abroad.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Everything seen between the digits of a number; NFKC has made full-width forms narrow before.
SEPARATORS: Final = re.compile(r"[\s()\[\].\-‐‑‒–—―−ーｰ・]+")
# No area code has 0 as its third digit, so a mobile number with a digit missing is not taken for a fixed one.
NATIONAL: Final = re.compile(r"0[1-9][1-9][0-9]{7}|0[256789]0[0-9]{8}|0200[0-9]{10}")
ABROAD: Final = re.compile(r"\+[1-9][0-9]{6,14}")
IP_TELEPHONE: Final = "050"
WIRELESS: Final = ("020", "060", "070", "080", "090")  # 0200 (14 digits, machines) begins with 020 as well
FREEPHONE: Final = "0800"


def normalise(written: str) -> str:
    """The number as it is dialled; ValueError if it is none.

    Full-width digits, hyphens of every kind, spaces, brackets and +81 (also `+81 (0)77…`) are understood.
    """
    digits = SEPARATORS.sub("", unicodedata.normalize("NFKC", written))
    if digits.startswith(("+81", "0081", "01081")):
        digits = "0" + re.sub(r"^(\+81|0081|01081)0?", "", digits)
    if NATIONAL.fullmatch(digits) or ABROAD.fullmatch(digits):
        return digits
    raise ValueError(f"{written!r} is no telephone number with area code (for example 077-561-0000)")


def is_ip_telephone(number: str) -> bool:
    """True for a 050 number, which the service excludes (K-10a). `number` is normalised."""
    return number.startswith(IP_TELEPHONE)


def is_wireless(number: str) -> bool:
    """True for a number of a mobile network: 060, 070, 080, 090, 020, 0200 (K-10b). `number` is normalised."""
    return number.startswith(WIRELESS) and not number.startswith(FREEPHONE)


def shown(number: str) -> str:
    """With hyphens, as people read it: `077-561-0000`."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, "JP")
    except phonenumbers.NumberParseException:
        return number
    form = phonenumbers.PhoneNumberFormat
    text: str = phonenumbers.format_number(parsed, form.INTERNATIONAL if number.startswith("+") else form.NATIONAL)
    return text
