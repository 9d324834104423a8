"""SIA DC-09, encrypted: AES in CBC mode, initial vector zero, hexadecimal on the wire.

    plain    padding | data ] [xdata]… _HH:MM:SS,MM-DD-YYYY        a multiple of 16 octets
                     └ the first bar ends the padding, which holds no bar and no bracket

Nothing guards the content but the form that must come out, and the padding is all that differs between two messages of
one content: such a line belongs into a VPN all the same. `cryptography` is imported on use.
Source: the fact sheet of DC-09 (A5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher

Fill = Callable[[int], bytes]
"""So many octets of padding, anew each time; letters and digits."""

KEY_OCTETS: Final = (16, 24, 32)
BLOCK: Final = 16
_STAMPED: Final = re.compile(rb"\](?:_\d\d:\d\d:\d\d,\d\d-\d\d-\d{4})\Z")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")


def sealed(key: bytes, content: bytes, fill: Fill) -> bytes:
    """What stands behind `[`: upper-case hexadecimal. `content` begins behind the bar.

    There are 1 to 16 octets of padding, never none: they are the only thing that is new.
    Raises ValueError for a key of a wrong length and for padding that would end too early.
    """
    count = BLOCK - (len(content) + 1) % BLOCK
    padding = fill(count)
    if len(padding) != count or any(mark in padding for mark in b"[]|"):
        raise ValueError("padding must be as long as asked for, without bars and brackets")
    encryptor = _cipher(key).encryptor()
    return (encryptor.update(padding + b"|" + content) + encryptor.finalize()).hex().upper().encode()


def opened(key: bytes, digits: bytes) -> bytes | None:
    """The content behind the bar; None if it is not hexadecimal, not whole, or not what this key makes.

    Known by a time stamp at its end; without one (a sender's fault) every octet must be a character.
    Raises ValueError for a key of a wrong length.
    """
    try:
        octets = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return None
    if not octets or len(octets) % BLOCK:
        return None
    decryptor = _cipher(key).decryptor()
    plain = decryptor.update(octets) + decryptor.finalize()
    padding, bar, content = plain.partition(b"|")
    if not bar or b"[" in padding or b"]" in padding:
        return None
    if _STAMPED.search(content) or (b"]" in content and _PRINTABLE.fullmatch(plain)):
        return content
    return None


def ready() -> None:
    """Import what is needed before the first message is there. ValueError, one line, if it is not installed."""
    try:
        _cipher(bytes(BLOCK))
    except ImportError:
        raise ValueError("there are keys, and encryption needs the package cryptography") from None


def _cipher(key: bytes) -> Cipher[Any]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(key) not in KEY_OCTETS:
        raise ValueError(f"an AES key has 16, 24 or 32 octets, not {len(key)}")
    return Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK)))
