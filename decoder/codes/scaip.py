"""SCAIP: devices, status, components and places, in our wording; what stands in no row is reserved or a maker's own.

A message says what sent it (device, 4 digits) and how that is (status, 4 digits; none: it calls for help). Leading
zeros may be missing on the wire: whoever asks here has put them back. 0900 to 0999 and 090 to 099 are free for makers.
Source: the code lists of SS 91100:2014 as public implementations carry them (fact sheet, B5); the wording is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one number says. restores: of a status: something is over or well again."""

    number: str
    english: str
    japanese: str
    known: bool = True
    restores: bool = False


_DEVICES: Final = """
0000 unknown device                   | 種類不明の機器
0001 undefined device                 | 種類未定の機器
0002 home unit                        | 本体
0003 pendant                          | ペンダント
0004 fixed trigger                    | 固定ボタン
0005 fall detector                    | 転倒検知器
0006 personal attack trigger          | 襲撃通報ボタン
0007 panic button                     | 非常ボタン
0008 duty switch, remote              | 当番切替（遠隔）
0009 duty switch, local               | 当番切替（現地）
0010 activity detector                | 活動検知器
0011 pill dispenser                   | 服薬支援器
0012 bed monitor                      | ベッド見守り
0013 mat sensor                       | マットセンサー
0014 door sensor                      | 扉センサー
0015 wandering sensor                 | 徘徊検知器
0016 enuresis detector                | 失禁検知器
0017 epilepsy detector                | 発作検知器
0018 occupancy detector               | 在室検知器
0019 heart rate monitor               | 心拍計
0020 environment monitor              | 環境監視
0021 gas detector                     | ガス検知器
0022 lighting circuit monitor         | 照明回路監視
0023 smoke detector                   | 煙感知器
0024 heating monitor                  | 暖房監視
0025 heat detector                    | 熱感知器
0026 carbon monoxide detector         | 一酸化炭素検知器
0027 bogus caller switch              | 不審訪問者スイッチ
0028 intruder detector                | 侵入検知器
0029 boundary detector                | 境界検知器
0030 man-down detector                | 倒れ検知器
0031 system monitor                   | システム監視
0032 communication link monitor       | 通信回線監視
0033 flood detector                   | 漏水検知器
0034 bath sensor                      | 浴室センサー
0035 latch key                        | 鍵
0036 perimeter                        | 外周
0037 sprinkler                        | スプリンクラー
0038 tamper contact                   | こじ開け検知
0039 printer                          | プリンター
0040 router                           | ルーター
0041 power supply                     | 電源装置
0042 electric lock                    | 電気錠
0043 access controller                | 入退室装置
0044 chair monitor                    | 椅子見守り
0045 controller                       | 制御装置
0046 lift alarm                       | エレベーター通報装置
0047 fire alarm system                | 火災報知設備
0048 local unit                       | 宅内装置
0049 monitoring device                | 監視装置
0050 radio unit                       | 無線装置
0051 tracking device                  | 携帯装置（位置検知）
"""

_STATES: Final = """
0000   unknown status                              | 状態不明
0001   undefined status                            | 状態未定
0002   abort                                       | 中止
0003   absent                                      | 不在
0004   accepted                                    | 受理
0005   acknowledged                                | 確認
0006   activated                                   | 作動
0007   active                                      | 作動中
0008   added                                       | 追加
0009   alarm, automatic                            | 自動通報
0010   alarm, by hand                              | 手動通報
0011   alert                                       | 警報
0012   armed                                       | 警戒開始
0013   assigned                                    | 割当
0014   battery failed                              | 電池故障
0015 r battery well again                          | 電池正常
0016   battery low                                 | 電池低下
0017   busy                                        | 話中
0018   bypassed                                    | 除外
0019   cancelled                                   | 取消
0020   changed                                     | 変更
0021   closed                                      | 閉
0022   closed too long                             | 閉状態継続
0023   IP connection failed                        | IP回線障害
0024   mobile connection failed                    | 携帯回線障害
0025   telephone line failed                       | 電話回線障害
0026   first link failed                           | 主回線障害
0027   second link failed                          | 予備回線障害
0028   deleted                                     | 削除
0029   denied                                      | 拒否
0030   disarmed                                    | 警戒解除
0031   disconnected                                | 切断
0032   error 1                                     | エラー1
0033   error 2                                     | エラー2
0034   error 3                                     | エラー3
0035   error 4                                     | エラー4
0036   error 5                                     | エラー5
0037   error 6                                     | エラー6
0038   error 7                                     | エラー7
0039   error 8                                     | エラー8
0040   error 9                                     | エラー9
0041   carried out                                 | 実行済み
0042   failure                                     | 故障
0043   frequency off                               | 周波数ずれ
0044   frequency too low                           | 周波数低下
0045   frequency too high                          | 周波数上昇
0046   high level                                  | 高レベル
0047   in progress                                 | 進行中
0048   in service                                  | 使用中
0049   inactive                                    | 無活動
0050   initiated                                   | 開始
0051   interrupted                                 | 中断
0052   jammed                                      | 妨害・詰まり
0053   level 1                                     | レベル1
0054   level 2                                     | レベル2
0055   level 3                                     | レベル3
0056   level 4                                     | レベル4
0057   level 5                                     | レベル5
0058   level 6                                     | レベル6
0059   level 7                                     | レベル7
0060   level 8                                     | レベル8
0061   level 9                                     | レベル9
0062   log                                         | 記録
0063   loss                                        | 喪失
0064   low level                                   | 低レベル
0065   maintenance needed                          | 保守要
0066   maintenance needed soon                     | 至急保守要
0067   malfunction                                 | 動作不良
0068   memory full                                 | メモリ満杯
0069   not active                                  | 非作動
0070 r normal                                      | 正常
0071   occupied                                    | 在
0072   off                                         | 切
0073   offline                                     | オフライン
0074   on                                          | 入
0075   online                                      | オンライン
0076   open                                        | 開
0077   open too long                               | 開状態継続
0078   out of service                              | 使用停止
0079   overflow                                    | あふれ
0080   pending                                     | 保留
0081   pill not taken                              | 服薬なし
0082   pill reminder                               | 服薬の知らせ
0083   pill taken                                  | 服薬済み
0084   planned                                     | 予定
0085   power cut                                   | 停電
0086 r power back                                  | 復電
0087   planned presence                            | 予定の訪問
0088   presence after an alarm                     | 通報後の訪問
0089   privacy switch                              | プライバシー操作
0090   pulse                                       | パルス
0091 r re-established                              | 再確立
0092 r reset by itself                             | 自動復帰
0093 r reset by hand                               | 手動復帰
0094 r restored                                    | 復旧
0095   radio interference                          | 電波干渉
0096   started                                     | 開始済み
0097   ended                                       | 終了
0098   replaced                                    | 代替
0099   succeeded                                   | 成功
0100   too hot                                     | 高温
0101   too cold                                    | 低温
0102   periodic test, first channel                | 定時通報（主回線）
0103   periodic test, second channel               | 定時通報（予備回線）
0104   timed out                                   | 時間切れ
0105   trouble                                     | 異常
0106   trespass                                    | 立入り
0107   access without right                        | 不正アクセス
0108   no longer bypassed                          | 除外解除
0109   verified                                    | 検証済み
0110   assistance                                  | 援助
0111   intervention complete                       | 対応完了
0112 r IP connection back                          | IP回線復旧
0113 r mobile connection back                      | 携帯回線復旧
0114 r telephone line back                         | 電話回線復旧
0115 r first link back                             | 主回線復旧
0116 r second link back                            | 予備回線復旧
0117   lying in bed                                | 臥床中
0118   locked                                      | 施錠
0119   movement                                    | 動き
0120   occupancy                                   | 在室
0121   present                                     | 在宅
0122   interference on the radio                   | 無線妨害
0123   radio test missing                          | 無線定期信号なし
0124 r radio test back                             | 無線定期信号復旧
0125   tampered with                               | こじ開け
0126   temperature rises fast                      | 温度急上昇
0127   unlocked                                    | 解錠
"""

_COMPONENTS: Final = """
000     unknown part          | 部位不明
001     undefined part        | 部位未定
002-006 button                | ボタン
007-011 switch                | スイッチ
012-016 output                | 出力
017-021 automatic circuit     | 自動回路
022     ethernet              | イーサネット
023     memory                | メモリ
024     microcontroller       | マイコン
025-029 module                | モジュール
"""

_PLACES: Final = """
000 unknown place         | 場所不明
001 undefined place       | 場所未定
002 at home               | 自宅
003 away                  | 外出先
004 indoors               | 屋内
005 outdoors              | 屋外
006 inside                | 内側
007 outside               | 外側
008 area                  | 区画
009 zone                  | 区域
010 basement              | 地下
011 bathroom              | 浴室
012 bedroom               | 寝室
013 dining room           | 食堂
014 floor                 | 階
015 garage                | 車庫
016 garden                | 庭
017 back garden           | 裏庭
018 front garden          | 前庭
019 edge of an agreed area | 行動範囲の境
020 gym                   | 体操室
021 kitchen               | 台所
022 laundry               | 洗濯室
023 rest room             | 休憩室
024 sauna                 | サウナ
025 stairs                | 階段
026 study                 | 書斎
027 workshop              | 作業場
028 loft                  | 屋根裏
029 shed                  | 物置
030 temporary address     | 一時滞在先
031 summer house          | 夏の家
032 winter cottage        | 冬の家
033 on the move           | 移動中
034 position attached     | 位置情報あり
035 GPS position attached | GPS位置情報あり
036 property              | 敷地
037 accessible bathroom   | 多目的浴室
038 door                  | 扉
039 front door            | 玄関
040 back door             | 裏口
041 fire door             | 防火扉
042 hallway               | 廊下
043 living room           | 居間
044 flat                  | 住戸
045 bungalow              | 平屋
046 lounge                | 談話室
047 shared area           | 共用部
048 office                | 事務室
049 room                  | 部屋
050 site                  | 施設
051 ward                  | 病棟
052 wing                  | 棟
"""


def device(number: str) -> Meaning:
    """What sent it: `dty`, four digits."""
    return _devices().get(number) or _unknown(number, "device", "機器", 4)


def status(number: str) -> Meaning:
    """What is with it: `stc`, four digits."""
    return _states().get(number) or _unknown(number, "status", "状態", 4)


def component(number: str) -> Meaning:
    """Which part of it: `dco`, three digits; of several alike the names count from 1."""
    return _components().get(number) or _unknown(number, "part", "部位", 3)


def location(number: str) -> Meaning:
    """Where it is: `lco`, three digits."""
    return _places().get(number) or _unknown(number, "place", "場所", 3)


def words(code: str, part: str = "") -> Meaning:
    """All that `ME/0003/0016` says, and the part it is about: "pendant, battery low"; no status: it calls for help."""
    _, number, state = (*code.split("/"), "", "")[:3]
    said = [device(number), status(state) if state else Meaning("", "calls for help", "通報")]
    said += [component(part)] if part else []
    return Meaning(
        code,
        ", ".join(one.english for one in said),
        "・".join(one.japanese for one in said),
        all(one.known for one in said),
        said[1].restores,
    )


def _unknown(number: str, english: str, japanese: str, digits: int) -> Meaning:
    own = len(number) == digits and number.startswith("09")
    which = ("maker's own ", "メーカー独自の") if own else ("unknown ", "不明な")
    return Meaning(number, f"{which[0]}{english} {number}", f"{which[1]}{japanese}{number}", known=False)


@cache
def _devices() -> dict[str, Meaning]:
    return _table(_DEVICES)


@cache
def _states() -> dict[str, Meaning]:
    return _table(_STATES)


@cache
def _places() -> dict[str, Meaning]:
    return _table(_PLACES)


@cache
def _components() -> dict[str, Meaning]:
    table = {}
    for row in _table(_COMPONENTS).values():
        first, _, last = row.number.partition("-")
        for count, one in enumerate(range(int(first), int(last or first) + 1), start=1):
            english, japanese = (
                (f"{row.english} {count}", f"{row.japanese}{count}") if last else (row.english, row.japanese)
            )
            table[f"{one:03}"] = Meaning(f"{one:03}", english, japanese)
    return table


def _table(text: str) -> dict[str, Meaning]:
    table = {}
    for row in text.strip().splitlines():
        left, japanese = row.split("|")
        number, english = left.split(maxsplit=1)
        restores = english.startswith("r ")
        english = english.removeprefix("r ").strip()
        table[number] = Meaning(number, english, japanese.strip(), restores=restores)
    return table
