"""SIA event codes (DC-03): two letters, our wording, what the address counts, how urgent it is in tele-care.

Thirteen letters stand for kinds of sensor, and behind them the second letter means the same for all: A alarm, H alarm
over, B bypassed, U bypass ended, S supervision, T trouble, J trouble over, R restored, X test. The rest are rows.

Source: which codes there are and what they count, as public code lists agree; the wording is ours. A terminal's profile
may override any row. A code in no row is shown as unknown and still raised to the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from decoder.codes.contact_id import Category, Priority


class Address(Enum):
    """What the digits behind the two letters count."""

    NONE = "-"
    ZONE = "z"
    USER = "u"
    AREA = "a"
    OTHER = "o"  # door, relay, line, printer, condition …


@dataclass(frozen=True, slots=True)
class Code:
    """One event code; `restores` where it says that something is over."""

    number: str
    english: str
    japanese: str
    address: Address
    category: Category
    priority: Priority
    restores: bool = False
    known: bool = True


_SENSORS: Final = {  # first letter: English, Japanese, category, which second letters there are
    "B": ("burglary", "侵入", Category.BURGLARY, "ABHJRSTUX"),
    "F": ("fire", "火災", Category.FIRE, "ABHJRSTUX"),
    "G": ("gas", "ガス", Category.ENVIRONMENT, "ABHJRSTUX"),
    "H": ("hold-up", "強盗", Category.PANIC, "ABHJRSTU"),
    "K": ("heat", "熱", Category.FIRE, "ABHJRSTU"),
    "M": ("medical", "医療", Category.MEDICAL, "ABHJRSTU"),
    "P": ("panic", "非常", Category.PANIC, "ABHJRSTU"),
    "Q": ("personal emergency", "本人緊急", Category.MEDICAL, "ABHJRSTU"),
    "S": ("sprinkler", "スプリンクラー", Category.FIRE, "ABHJRSTU"),
    "T": ("tamper", "こじ開け", Category.SUPERVISORY, "ABHJRTU"),
    "U": ("untyped zone", "種別なし区域", Category.GENERAL, "ABHJRSTU"),
    "W": ("water", "漏水", Category.ENVIRONMENT, "ABHJRSTU"),
    "Z": ("freeze", "凍結", Category.ENVIRONMENT, "ABHJRSTU"),
}
_MEANS: Final = {  # second letter: English, Japanese, category unless the sensor's
    "A": ("alarm", "警報", None),
    "B": ("bypassed", "の切離し", Category.DISABLED),
    "H": ("alarm over", "警報の終了", None),
    "J": ("trouble over", "異常の終了", Category.TROUBLE),
    "R": ("restored", "の復旧", None),
    "S": ("supervision", "の監視", Category.SUPERVISORY),
    "T": ("trouble", "の異常", Category.TROUBLE),
    "U": ("bypass ended", "の切離し解除", Category.DISABLED),
    "X": ("test", "の試験", Category.TEST),
}
_OVER: Final = "HJRU"
_LIFE: Final = "FGKMPQW"  # sensors whose trouble somebody must see to on the same day

_EMERGENCIES: Final = "FA GA HA KA MA PA QA SA WA FM FG NA JK"
_SAME_DAY: Final = (
    "AA AT BA BG BM BV EA EM ET FW FY FZ IA LT NT RT RY TA UA UG UX UY UZ XL XQ XS XT XX"
    " YA YC YD YF YM YO YP YS YT YU YX ZA"
)

# code, address (`Address`), r(estores) or n(ew), category, English, Japanese
_ROWS: Final = """
AA o n general      alarm, panel substituted         | 警報（制御盤の差替え）
AB z n general      alarm aborted                    | 警報の中止
AN z r supervisory  analogue value back              | アナログ値の復旧
AR - r trouble      mains back                       | 停電の復旧
AS z n supervisory  analogue sensor needs service    | アナログ感知器の要点検
AT - n trouble      mains lost                       | 停電
BC u n burglary     burglary alarm cancelled         | 侵入警報の取消
BD z n trouble      swinger, sensor repeats itself   | 感知器の繰返し異常
BE z r trouble      swinger over                     | 感知器の繰返し終了
BG z n burglary     burglary, not verified           | 侵入（未確認）
BM z n burglary     burglary, second sensor agrees   | 侵入（別の感知器も一致）
BV a n burglary     burglary verified                | 侵入（確認済み）
BZ z n supervisory  burglary sensor not heard        | 侵入感知器の定期信号なし
CA a n open/close   area closed automatically        | 区域の自動警戒開始
CD a n open/close   not closed in time               | 警戒開始の遅滞
CE u n open/close   closing time extended            | 警戒開始時刻の延長
CF u n open/close   closed by force                  | 強制の警戒開始
CG a n open/close   area closed                      | 区域の警戒開始
CI a n open/close   failed to close                  | 警戒開始の失敗
CJ u n open/close   closed late                      | 遅い警戒開始
CK u n open/close   closed early                     | 早い警戒開始
CL u n open/close   closed                           | 警戒開始
CM z n open/close   alarm missing, just closed       | 警報の欠落（開始直後）
CO o n other        command sent                     | 指令の送出
CP u n open/close   closed automatically             | 自動の警戒開始
CQ u n open/close   closed from far                  | 遠隔の警戒開始
CR u n open/close   closed a moment ago              | 直前の警戒開始
CS z n open/close   closed by key switch             | 鍵による警戒開始
CT a n open/close   late to open                     | 警戒解除の遅れ
CW a n open/close   had been closed by force         | 強制の警戒開始だった
CX o n other        own function carried out         | 独自機能の実行
CZ z n open/close   point closed                     | 警戒点の開始
DA u n access       card given out                   | カードの登録
DB u n access       card deleted                     | カードの削除
DC o n access       access closed                    | 通行の閉鎖
DD o n access       entry refused                    | 入館拒否
DE o n access       entry asked for                  | 入館の要求
DF o n access       door forced                      | 扉のこじ開け
DG o n access       entry granted                    | 入館許可
DH o r access       door no longer open              | 扉の開放終了
DI o n access       entry refused, passed back       | 入館拒否（通し戻し）
DJ o n trouble      door forced, trouble             | 扉のこじ開け異常
DK o n access       access locked out                | 通行の締出し
DL o n access       door left open, alarm            | 扉の開放警報
DM o n trouble      door left open, trouble          | 扉の開放異常
DN o n access       door left open                   | 扉の開放
DO o n access       access open                      | 通行の開放
DP o n access       entry refused, wrong time        | 入館拒否（時間外）
DQ o n access       entry refused, area closed       | 入館拒否（警戒中）
DR o r access       door restored                    | 扉の復旧
DS o n access       door station                     | 扉の端末
DT - n trouble      access control trouble           | 通行管理の異常
DU o n other        dealer number                    | 販売店番号
DV o n access       entry refused, level             | 入館拒否（権限）
DW o n access       entry refused, interlock         | 入館拒否（連動）
DX o n access       exit asked for                   | 退館の要求
DY o n access       door locked                      | 扉の施錠
DZ o n access       entry refused, door secured      | 入館拒否（扉の保全）
EA z n burglary     alarm while leaving              | 退館時の警報
EE u n open/close   error while leaving              | 退館時の誤り
EJ o r supervisory  expansion tamper over            | 増設装置のこじ開け終了
EM o n trouble      expansion device missing         | 増設装置の応答なし
EN o r trouble      expansion device found again     | 増設装置の応答復旧
ER o r trouble      expansion restored               | 増設装置の復旧
ES o n supervisory  expansion device tampered with   | 増設装置のこじ開け
ET o n trouble      expansion trouble                | 増設装置の異常
EX o n other        external device                  | 外部機器の状態
EZ z n open/close   alarm missing, error leaving     | 警報の欠落（退館時の誤り）
FC z n fire         fire alarm cancelled             | 火災警報の取消
FG z n fire         fire, not verified               | 火災（未確認）
FI a n test         fire test begun                  | 火災試験の開始
FK a r test         fire test ended                  | 火災試験の終了
FL z n fire         fire alarm silenced              | 火災警報の停止
FM z n fire         fire, second sensor agrees       | 火災（別の感知器も一致）
FQ z r trouble      fire supervision trouble over    | 火災監視異常の終了
FV z r supervisory  fire supervision restored        | 火災監視の復旧
FW z n trouble      fire supervision trouble         | 火災監視の異常
FY z n trouble      fire trouble missing             | 火災異常の欠落
FZ z n supervisory  fire sensor not heard            | 火災感知器の定期信号なし
IA z n trouble      equipment failed                 | 機器の故障
IR z r trouble      equipment works again            | 機器の復旧
JA a n supervisory  user codes tried out             | 暗証番号の試し打ち
JD u n other        date changed                     | 日付の変更
JH u n other        holidays changed                 | 休日の変更
JK u n medical      latchkey, nobody came home       | 鍵っ子の帰宅なし
JL - n other        log nearly full                  | 履歴の残りわずか
JO - n other        log overflowed                   | 履歴のあふれ
JP u n other        user on the premises             | 利用者の在館
JR a n other        schedule carried out             | 予定の実行
JS u n other        schedule changed                 | 予定の変更
JT u n other        time changed                     | 時刻の変更
JV u n other        user code changed                | 暗証番号の変更
JX u n other        user code deleted                | 暗証番号の削除
JY u n other        user code added                  | 暗証番号の追加
JZ u n other        user level set                   | 利用者権限の設定
LB - n other        programming on site              | 現地設定
LD - n other        programming on site refused      | 現地設定の拒否
LE - r other        listening-in ended               | 音声聴取の終了
LF - n other        listening-in begun               | 音声聴取の開始
LR o r trouble      telephone line back              | 電話回線の復旧
LS - n other        programming on site succeeded    | 現地設定の成功
LT o n trouble      telephone line trouble           | 電話回線の異常
LU - n other        programming on site failed       | 現地設定の失敗
LX - r other        programming on site ended        | 現地設定の終了
MI o n other        message                          | 伝言
NA z n medical      no sign of life                  | 安否確認の応答なし
NC o n trouble      network condition                | 網の状態
NF a n open/close   perimeter closed by force        | 外周の強制警戒開始
NL a n open/close   perimeter closed                 | 外周の警戒開始
NM a n open/close   perimeter closed, own kind       | 外周の警戒開始（独自）
NR o r trouble      network back                     | 網の復旧
NS z r medical      sign of life again               | 安否確認の再開
NT o n trouble      network lost                     | 網の障害
OA a n open/close   area opened automatically        | 区域の自動警戒解除
OC u n open/close   report cancelled                 | 通報の取消
OG a n open/close   area opened                      | 区域の警戒解除
OH u n open/close   opened early after an alarm      | 警報後の早い警戒解除
OI a n open/close   failed to open                   | 警戒解除の失敗
OJ u n open/close   opened late                      | 遅い警戒解除
OK u n open/close   opened early                     | 早い警戒解除
OL u n open/close   opened late after an alarm       | 警報後の遅い警戒解除
OP u n open/close   opened                           | 警戒解除
OQ u n open/close   opened from far                  | 遠隔の警戒解除
OR u n open/close   opened after an alarm            | 警報後の警戒解除
OS z n open/close   opened by key switch             | 鍵による警戒解除
OT u n open/close   late to close                    | 警戒開始の遅れ
OU o n trouble      output trouble                   | 出力の異常
OV o r trouble      output works again               | 出力の復旧
OZ z n open/close   point opened                     | 警戒点の解除
RA - n other        programmer's call failed         | 遠隔設定の発信失敗
RB - n other        programming from far begun       | 遠隔設定の開始
RC o n other        relay closed                     | 継電器の閉成
RD - n other        programming from far refused     | 遠隔設定の拒否
RN - n other        reset from far                   | 遠隔の初期化
RO o n other        relay opened                     | 継電器の開放
RP - n test         automatic test                   | 定期試験
RR - n trouble      power switched on                | 電源投入
RS - n other        programming from far succeeded   | 遠隔設定の成功
RT o n trouble      data lost                        | データの欠落
RU - n other        programming from far failed      | 遠隔設定の失敗
RX u n test         manual test                      | 手動試験
RY z n test         test, something is not normal    | 試験（異常あり）
SC o n other        state changed                    | 状態の変化
TC - n test         all points tested                | 全点の試験完了
TE - r test         test ended                       | 試験の終了
TP z n test         point of a walk test             | 歩行試験の点
TS - n test         test begun                       | 試験の開始
TW - n test         area watch begun                 | 区域監視の開始
TX - n test         test report                      | 試験通報
TZ - r test         area watch ended                 | 区域監視の終了
UG z n general      untyped event, not verified      | 種別なし（未確認）
UX - n other        undefined event                  | 未定義の事象
UY z n trouble      untyped sensor trouble, missing  | 種別なし感知器の異常の欠落
UZ z n supervisory  untyped sensor alarm, missing    | 種別なし感知器の警報の欠落
VI o r trouble      printer has paper                | 印字機の用紙補充
VO o n trouble      printer out of paper             | 印字機の用紙切れ
VR o r trouble      printer restored                 | 印字機の復旧
VT o n trouble      printer trouble                  | 印字機の異常
VX o n test         printer test                     | 印字機の試験
VY - n other        printer connected                | 印字機の接続
VZ - n other        printer disconnected             | 印字機の切断
XA - n other        account not expected             | 登録外の契約者
XE z n other        point not expected               | 登録外の警戒点
XF z n other        wireless point not expected      | 登録外の無線点
XH o r trouble      radio interference over          | 電波妨害の終了
XI z n other        sensor reset                     | 感知器の初期化
XJ o r supervisory  radio receiver tamper over       | 無線受信機のこじ開け終了
XL o n trouble      radio signal weak                | 電波の弱まり
XM z n supervisory  alarm missing, second sensor     | 警報の欠落（別の感知器）
XQ o n trouble      radio interference               | 電波妨害
XR z r trouble      transmitter battery good         | 送信機の電池復旧
XS o n supervisory  radio receiver tampered with     | 無線受信機のこじ開け
XT z n trouble      transmitter battery low          | 送信機の電池低下
XW z n open/close   point forced                     | 警戒点の強制
XX - n test         test did not come                | 試験通報なし
YA - n trouble      bell fault                       | ベルの故障
YB o n other        line card busy, seconds          | 回線カードの使用秒数
YC - n trouble      communication failed             | 通信の失敗
YD o n trouble      receiver line card trouble       | 受信回線カードの異常
YE o r trouble      receiver line card restored      | 受信回線カードの復旧
YF - n trouble      settings damaged                 | 設定値の破損
YG - n other        settings changed                 | 設定値の変更
YH - r trouble      bell restored                    | ベルの復旧
YI - n trouble      overcurrent                      | 過電流
YJ - r trouble      overcurrent over                 | 過電流の終了
YK - r trouble      communication back               | 通信の復旧
YM - n trouble      battery missing                  | 電池なし
YN - n other        report not valid                 | 無効な通報
YO - n other        message not known                | 不明な伝言
YP - n trouble      power supply trouble             | 電源の異常
YQ - r trouble      power supply restored            | 電源の復旧
YR - r trouble      battery good                     | 電池の復旧
YS - n trouble      communication trouble            | 通信の異常
YT - n trouble      battery low                      | 電池電圧低下
YU o n trouble      diagnosis found an error         | 自己診断の異常
YW - n trouble      restarted by its watchdog        | 自動監視による再起動
YX - n other        service wanted                   | 要点検
YY - n other        state report                     | 状態通報
YZ o r other        service done                     | 点検完了
"""


def code(number: str) -> Code:
    """What two letters mean. Unknown ones are raised, and at once if they end like an alarm (A)."""
    found = codes().get(number)
    if found is not None:
        return found
    priority = Priority.EMERGENCY if number.endswith("A") else Priority.SAME_DAY
    words = f"unknown event {number}", f"不明な事象{number}"
    return Code(number, *words, Address.OTHER, Category.OTHER, priority, False, False)


@cache
def codes() -> dict[str, Code]:
    """The whole table, by letters."""
    table = {}
    for first, (english, japanese, category, seconds) in _SENSORS.items():
        for second in seconds:
            means, says, other = _MEANS[second]
            number = first + second
            table[number] = Code(
                number,
                f"{english} {means}",
                japanese + says,
                Address.NONE if number in ("TH", "TJ") else Address.ZONE,
                other or category,
                _priority(number),
                second in _OVER,
            )
    for row in _ROWS.strip().splitlines():
        left, japanese = row.split("|")
        number, address, kind, group, english = left.split(maxsplit=4)
        words = english.strip(), japanese.strip()
        table[number] = Code(number, *words, Address(address), Category(group), _priority(number), kind == "r")
    return table


def _priority(number: str) -> Priority:
    if number in _EMERGENCIES:
        return Priority.EMERGENCY
    if number in _SAME_DAY or (number[0] in _LIFE and number[1] == "T"):
        return Priority.SAME_DAY
    return Priority.RECORD
