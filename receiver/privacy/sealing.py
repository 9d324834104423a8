"""One sealed value: AES-256-GCM under a subject's key, bound to the subject and to its context.

Text form: `1.` and base64url of nonce (12 bytes), ciphertext and tag. The journal's context is the
event's type, so a sealed name cannot be passed off as something else's content; projections may
copy the value as it stands.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from receiver.event import Json
from receiver.journal.record import canonical

_VERSION: Final = "1."
NONCE_BYTES: Final = 12


class Unsealable(ValueError):
    """The value was altered, or sealed under another key, subject or context."""


def seal(
    key: bytes, subject: str, context: str, obj: Json, *, entropy: Callable[[int], bytes] = os.urandom
) -> str:  # fmt: skip
    """The object as one opaque text."""
    nonce = entropy(NONCE_BYTES)
    box = AESGCM(key).encrypt(nonce, canonical(obj).encode(), _bound_to(subject, context))
    return _VERSION + base64.urlsafe_b64encode(nonce + box).decode()


def unseal(key: bytes, subject: str, context: str, sealed: str) -> dict[str, Any]:
    """What was sealed; raises Unsealable."""
    try:
        if not sealed.startswith(_VERSION):
            raise Unsealable(f"sealed for {context}: unknown form")
        data = base64.b64decode(sealed[len(_VERSION) :], altchars=b"-_", validate=True)
        text = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound_to(subject, context))
    except (InvalidTag, binascii.Error) as error:
        raise Unsealable(f"sealed for {context}: altered, or sealed under another key") from error
    content = json.loads(text)
    assert isinstance(content, dict)
    return content


def _bound_to(subject: str, context: str) -> bytes:
    return canonical([subject, context]).encode()
