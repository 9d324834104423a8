"""Keys for finding people by how a name sounds or looks. They live in memory only; what is stored stays as entered.

A key has no blanks, narrow Latin and wide kana, hiragana for katakana, and one common form for characters
that families write differently (髙 and 高, 𠮷 and 吉).
"""

from __future__ import annotations

import unicodedata
from typing import Final

# The common form first, then what family registers write for it.
FORMS: Final = (
    "吉𠮷 高髙 崎﨑嵜碕 浜濵濱 辺邊邉 斉齋齊斎 沢澤 桜櫻 広廣 国國 徳德 恵惠 瀬瀨 真眞 栄榮 島嶋嶌 "
    "薮藪籔 槙槇 柳栁 富冨 館舘 桑桒 昇曻 土圡 関關 滝瀧 竜龍 寿壽 円圓 黒黑 児兒 条條 曽曾 来來 礼禮 静靜 渋澁"
)
FAMILY_FORMS: Final = str.maketrans({variant: form[0] for form in FORMS.split() for variant in form[1:]})
HIRAGANA: Final = {ord("ァ") + i: ord("ぁ") + i for i in range(ord("ヶ") - ord("ァ") + 1)}
VARIATION_SELECTORS: Final = dict.fromkeys((*range(65024, 65040), *range(917760, 918000)))


def key(written: str) -> str:
    """What two ways of writing the same name have in common."""
    # 﨑 and its like have no NFKC form of their own, the variation selectors of a family register fall away.
    plain = unicodedata.normalize("NFKC", written.translate(VARIATION_SELECTORS)).translate(FAMILY_FORMS)
    return "".join(plain.translate(HIRAGANA).casefold().split())


def digits(written: str) -> str:
    """The digits of a text, for part of a telephone number."""
    return "".join(one for one in unicodedata.normalize("NFKC", written) if one.isascii() and one.isdigit())
