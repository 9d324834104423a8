"""BS 8521-1: event codes, status and location, in our wording; what stands in no row is reserved or a maker's own.

Source: the tables of the standard as one public implementation carries them (`bs8521.md` §4 to §6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one number says."""

    number: str
    english: str
    japanese: str
    known: bool = True


_EVENTS: Final = """
000 nothing, or cancelled         | なし・取消
010 fixed trigger 1               | 固定ボタン1
011 fixed trigger 2               | 固定ボタン2
012 pressure mat                  | マットセンサー
013 door contact                  | 扉センサー
014 movement (infrared)           | 人感センサー
015 boundary crossed              | 境界センサー
016 smoke                         | 煙
017 fire                          | 火災
018 bogus caller                  | 不審な訪問者
019 personal trigger 1            | ペンダント1
020 personal trigger 2            | ペンダント2
021 fall, detector 1              | 転倒1
022 fall, detector 2              | 転倒2
023 personal attack 1             | 襲撃1
024 personal attack 2             | 襲撃2
025 panic                         | パニック
026 carbon monoxide               | 一酸化炭素
027 gas                           | ガス漏れ
028 intruder                      | 侵入
029 man down                      | 倒れたまま動かない
030 exit 1                        | 外出検知1
031 exit 2                        | 外出検知2
032 high temperature              | 高温
033 low temperature               | 低温
034 temperature rises fast        | 温度急上昇
035 medication                    | 服薬
036 bed wet                       | 失禁
037 bed occupancy                 | ベッド在床
038 chair occupancy               | 椅子着座
039 property occupancy 1          | 在室1
040 property occupancy 2          | 在室2
041 bathroom                      | 浴室
042 seizure                       | 発作
043 inactivity                    | 無活動
044 environment                   | 環境
045 bed monitor                   | ベッド見守り
046 chair monitor                 | 椅子見守り
047 flood                         | 漏水
048 bath level                    | 浴槽水位
049 lighting                      | 照明
050 heating                       | 暖房
051 mains                         | 商用電源
052 power supply unit             | 電源装置
053 battery                       | 電池
054 duty switch                   | 当番切替
055 door left open                | 扉開放
056 fire door                     | 防火扉
057 system status                 | 装置状態
058 periodic test                 | 定期試験
059 telephone unit 1              | 電話装置1
060 telephone unit 2              | 電話装置2
061 radio receiver                | 無線受信機
062 IP link                       | IP回線
063 serial link                   | シリアル回線
064 under test                    | 試験中
090 provider's identification     | 事業者番号
091 service call                  | サービス依頼
097 acknowledged                  | 確認
098 presence                      | 訪問者在宅
099 service completed             | サービス完了
"""

_STATES: Final = """
00 normal                         | 正常
01 privacy                        | プライバシー中
02 no speech, by hand             | 通話なし（手動）
03 no speech, automatic           | 通話なし（自動）
04 in service, fault put right    | 使用中・故障復旧
05 fault, alarm active            | 故障・警報中
06 fault, alarm not active        | 故障・警報なし
07 low battery                    | 電池低下
08 busy                           | 話中
09 out of service                 | 使用停止
"""

_PLACES: Final = """
01    local unit       | 本体
02-03 hallway          | 廊下
04-05 stairs           | 階段
06    landing          | 踊り場
07-10 bedroom          | 寝室
11-13 living room      | 居間
14-16 dining room      | 食堂
17-18 bathroom         | 浴室
19-21 toilet           | トイレ
22-24 kitchen          | 台所
25-26 utility room     | 家事室
27    lobby            | ロビー
28-29 front door       | 玄関
30-31 back door        | 裏口
32-33 garage           | 車庫
34    workshop         | 作業場
35-36 laundry          | 洗濯室
37-38 office or study  | 書斎
39    games room       | 遊戯室
40-41 common room      | 共用室
42-44 lift             | エレベーター
45-46 gate             | 門
47    outbuilding      | 離れ
48    shed             | 物置
49    elsewhere        | その他
50-52 garden           | 庭
53    basement         | 地下室
54    ground floor     | 1階
55    bin store        | ごみ置場
56    boiler room      | ボイラー室
57    attic            | 屋根裏
"""


def event(number: str) -> Meaning:
    """What the three digits of an event say."""
    return _events().get(number) or Meaning(number, f"unknown event {number}", f"不明な事象{number}", known=False)


def status(number: str) -> Meaning:
    """What the two digits of the status say."""
    return _states().get(number) or Meaning(number, f"unknown status {number}", f"不明な状態{number}", known=False)


def location(number: str) -> Meaning:
    """Where it happened; of several alike ("bedroom"), the English and Japanese names count from 1."""
    return _places().get(number) or Meaning(number, f"unknown place {number}", f"不明な場所{number}", known=False)


@cache
def _events() -> dict[str, Meaning]:
    return {number: Meaning(number, english, japanese) for number, english, japanese in _rows(_EVENTS)}


@cache
def _states() -> dict[str, Meaning]:
    return {number: Meaning(number, english, japanese) for number, english, japanese in _rows(_STATES)}


@cache
def _places() -> dict[str, Meaning]:
    table = {}
    for numbers, english, japanese in _rows(_PLACES):
        first, _, last = numbers.partition("-")
        for count, place in enumerate(range(int(first), int(last or first) + 1), start=1):
            which = f" {count}" if last else ""
            table[f"{place:02}"] = Meaning(f"{place:02}", english + which, japanese + which.strip())
    return table


def _rows(text: str) -> list[tuple[str, str, str]]:
    rows = []
    for row in text.strip().splitlines():
        left, japanese = row.split("|")
        number, english = left.split(maxsplit=1)
        rows.append((number, english.strip(), japanese.strip()))
    return rows
