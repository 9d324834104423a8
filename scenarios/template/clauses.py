"""Clauses that the rules cite: ID → short quote."""

from __future__ import annotations

from typing import Final

CLAUSES: Final[dict[str, str]] = {
    "T-1": "「通報を受けたときは、直ちに確認を行う」",
    "T-2": "「一分以内に確認できないときは、責任者に報告する」",
    "T-3": "「確認した結果を記録して終える」",
    "otherwise": "表にない場合",
}
