"""Keys for a ledger that is thrown away: trying an import where there is no store yet."""

from __future__ import annotations

import hashlib


class TrialKeys:
    """Subjects are counted; digests hide nothing, for nothing of them is kept."""

    def __init__(self) -> None:
        self._count = 0

    def digest(self, kind: str, normalised: str) -> str:
        return hashlib.sha256(f"{kind}\0{normalised}".encode()).hexdigest()

    def random_subject(self) -> str:
        self._count += 1
        return f"{self._count:032x}"
