"""SIP: who is it: digest authentication, asked for and checked. Pure: time and secret are handed in.

    WWW-Authenticate: Digest realm="…", nonce="…", algorithm=SHA-256, qop="auth"       one header for each algorithm
    Authorization: Digest username="…", realm="…", nonce="…", uri="…", response="…", qop=auth, nc=00000001, cnonce="…"

    HA1 = H(user:realm:password)   HA2 = H(method:uri)   response = H(HA1:nonce:nc:cnonce:qop:HA2)

A nonce is time, number and their sum under a secret of our own: nothing has to be kept of one nobody uses. Each may be
used with rising counts for 5 minutes; without a count (RFC 2069) once. `Basic` shows everybody the password.
Source: RFC 3261, 22; RFC 7616; RFC 8760.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Final

from drivers.sip import grammar
from drivers.sip.grammar import Malformed
from drivers.sip.message import Header

NONCE_S: Final = 300
NONCES_MAX: Final = 10_000
ALGORITHMS: Final[dict[str, Callable[[bytes], str]]] = {  # in the order they are offered
    "SHA-256": lambda octets: hashlib.sha256(octets).hexdigest(),
    "MD5": lambda octets: hashlib.md5(octets, usedforsecurity=False).hexdigest(),
}
_ALWAYS: Final = 0xFFFF_FFFF


class Verdict(Enum):
    """What a request's credentials are."""

    RIGHT = "right"
    STALE = "stale"  # right, but the nonce is old or used: ask again with a new one
    WRONG = "wrong"
    NONE = "none"
    BASIC = "basic"


def credentials(values: Iterable[str]) -> list[dict[str, str]]:
    """The parameters of each Digest among the values of Authorization; another scheme gives {"scheme": its name}."""
    found = []
    for value in values:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() != "digest":
            found.append({"scheme": scheme.lower()})
            continue
        try:
            parts = [part.partition("=") for part in grammar.split(rest)]
        except Malformed:
            continue
        found.append({name.strip().lower(): grammar.unquoted(said.strip()) for name, _, said in parts})
    return found


def answer(
    said: dict[str, str], method: str, user: str, password: str, *, nc: str = "", cnonce: str = "", uri: str = ""
) -> str:
    """The response to a challenge (`said`: realm, nonce, algorithm, qop). ValueError: an algorithm not known here."""
    sum_of = ALGORITHMS.get(said.get("algorithm", "MD5").upper())
    if sum_of is None:
        raise ValueError(f"algorithm {said.get('algorithm')!r} is not known")

    def h(*parts: str) -> str:
        return sum_of(":".join(parts).encode("utf-8", "surrogateescape"))

    first, second = h(user, said.get("realm", ""), password), h(method, uri)
    if "qop" in said:
        return h(first, said.get("nonce", ""), nc, cnonce, said["qop"], second)
    return h(first, said.get("nonce", ""), second)


@dataclass(slots=True)
class Guard:
    """Asks and checks. secret: some octets that nobody else has, anew at each start."""

    secret: bytes = field(repr=False)
    realm: str
    _used: OrderedDict[str, int] = field(default_factory=OrderedDict)  # nonce → highest count seen
    _numbers: count[int] = field(default_factory=count)  # two units that ask in one second get different ones

    def challenge(self, at_s: int, *, stale: bool = False) -> tuple[Header, ...]:
        """The headers of a 401."""
        end = ", stale=true" if stale else ""
        nonce = self._nonce(f"{at_s:x}-{next(self._numbers):x}")
        return tuple(
            (
                "WWW-Authenticate",
                f'Digest realm={grammar.quoted(self.realm)}, nonce="{nonce}", algorithm={name}, qop="auth"{end}',
            )
            for name in ALGORITHMS
        )

    def check(self, values: Iterable[str], method: str, user: str, password: str, at_s: int) -> Verdict:
        """Whether one of these values of Authorization proves that the sender knows the password."""
        worst = Verdict.NONE
        for said in credentials(values):
            if "scheme" in said:
                worst = Verdict.BASIC if said["scheme"] == "basic" and worst is Verdict.NONE else worst
                continue
            if said.get("realm") != self.realm or said.get("username") != user:
                worst = Verdict.WRONG
                continue
            verdict = self._proved(said, method, user, password, at_s)
            if verdict is not Verdict.WRONG:
                return verdict
            worst = verdict
        return worst

    def _proved(self, said: dict[str, str], method: str, user: str, password: str, at_s: int) -> Verdict:
        counted, nc = "qop" in said, said.get("nc", "")
        if said.get("algorithm", "MD5").upper() not in ALGORITHMS or (counted and said["qop"].lower() != "auth"):
            return Verdict.WRONG
        if counted and not re.fullmatch("[0-9A-Fa-f]{8}", nc):
            return Verdict.WRONG
        expected = answer(said, method, user, password, nc=nc, cnonce=said.get("cnonce", ""), uri=said.get("uri", ""))
        given = said.get("response", "").lower()
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape")):
            return Verdict.WRONG
        nonce = said.get("nonce", "")
        number = int(nc, 16) if counted else _ALWAYS
        if not self._fresh(nonce, at_s) or number <= self._used.get(nonce, 0):
            return Verdict.STALE
        self._used[nonce] = number
        self._used.move_to_end(nonce)
        if len(self._used) > NONCES_MAX:
            self._used.popitem(last=False)
        return Verdict.RIGHT

    def _nonce(self, stamp: str) -> str:
        return f"{stamp}.{hmac.new(self.secret, stamp.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _fresh(self, nonce: str, at_s: int) -> bool:
        stamp = nonce.partition(".")[0]
        if not re.fullmatch("[0-9a-f]{1,12}-[0-9a-f]{1,12}", stamp):
            return False
        made = int(stamp.partition("-")[0], 16)
        known = hmac.compare_digest(self._nonce(stamp).encode(), nonce.encode("utf-8", "surrogateescape"))
        return known and -5 <= at_s - made <= NONCE_S
