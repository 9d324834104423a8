"""Contact ID event codes: number, our wording, what the last field counts, how urgent it is in tele-care.

Source: the code list of SIA DC-05 and later additions as public implementations carry it; the wording is ours. What
a code means is in the end a matter of the terminal's model: 120 is a fall in some units and a hold-up in others, so
an account's profile may override any row. A code in no row is shown as unknown and still raised to the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final


class Priority(Enum):
    """How soon somebody must look, in tele-care; a profile may say otherwise."""

    EMERGENCY = 1  # a call for help: an operator at once
    SAME_DAY = 2
    RECORD = 3


class Counts(Enum):
    """What the three digits behind the partition number."""

    ZONE = "zone"
    USER = "user"
    EITHER = "either"  # sources differ


class Category(Enum):
    """Families of codes, by number."""

    MEDICAL = "medical"
    FIRE = "fire"
    PANIC = "panic"
    BURGLARY = "burglary"
    GENERAL = "general"
    ENVIRONMENT = "environment"
    SUPERVISORY = "supervisory"
    TROUBLE = "trouble"
    OPEN_CLOSE = "open/close"
    ACCESS = "access"
    DISABLED = "disabled"
    TEST = "test"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Code:
    """One event code."""

    number: str
    english: str
    japanese: str
    counts: Counts
    category: Category
    priority: Priority
    known: bool = True


_FAMILIES: Final = (  # first number of each family, in order
    ("100", Category.MEDICAL),
    ("110", Category.FIRE),
    ("120", Category.PANIC),
    ("130", Category.BURGLARY),
    ("140", Category.GENERAL),
    ("150", Category.ENVIRONMENT),
    ("200", Category.SUPERVISORY),
    ("300", Category.TROUBLE),
    ("400", Category.OPEN_CLOSE),
    ("411", Category.ACCESS),
    ("441", Category.OPEN_CLOSE),
    ("500", Category.DISABLED),
    ("600", Category.TEST),
    ("700", Category.OTHER),
)

_EMERGENCIES: Final = {100, 101, 102, *range(110, 119), *range(120, 126), 129, 140, 151, 154, 158, 162, 641, 642}
_SAME_DAY: Final = {301, 302, 309, 311, 338, 344, *range(350, 357), *range(380, 385), 608}

# number, z(one) u(ser) or e(ither), English, Japanese
_ROWS: Final = """
100 z medical call                              | 医療緊急通報
101 z personal emergency, pendant               | 本人緊急通報（ペンダント）
102 z no sign of life in time                   | 安否確認の応答なし
110 z fire                                      | 火災
111 z smoke                                     | 煙感知
112 z combustion gas                            | 燃焼ガス感知
113 z sprinkler flow                            | 消火用水の流れ
114 z heat                                      | 熱感知
115 z pull station                              | 火災発信機
116 z duct smoke                                | ダクト煙感知
117 z flame                                     | 炎感知
118 z fire about to alarm                       | 火災警報の手前
120 z panic button                              | 非常ボタン
121 u duress                                    | 脅迫通報
122 z silent panic                              | 無音の非常通報
123 z audible panic                             | 音付きの非常通報
124 z duress while entering                     | 入館時の脅迫
125 z duress while leaving                      | 退館時の脅迫
126 u hold-up suspected                         | 強盗の疑い
127 u remote silent panic                       | 遠隔の無音非常通報
129 z panic confirmed by second sensor          | 非常通報（確認センサー）
130 z burglary                                  | 侵入
131 z perimeter                                 | 外周侵入
132 z interior                                  | 屋内侵入
133 z round-the-clock zone                      | 24時間警戒区域
134 z entry or exit zone                        | 出入口
135 z day/night zone                            | 昼夜区域
136 z outdoor                                   | 屋外侵入
137 z tamper                                    | こじ開け検知
138 z intrusion about to alarm                  | 侵入警報の手前
139 z intrusion confirmed by second sensor      | 侵入（確認センサー）
140 z general alarm                             | 一般警報
141 z polling loop open                         | ループ断線
142 z polling loop short                        | ループ短絡
143 z expansion module failed                   | 増設装置の故障
144 z sensor tamper                             | センサーのこじ開け
145 z module tamper                             | 増設装置のこじ開け
146 z silent burglary                           | 無音の侵入通報
147 z sensor does not report                    | センサーの定期信号なし
150 z round-the-clock sensor                    | 24時間センサー
151 z gas leak                                  | ガス漏れ
152 z refrigeration                             | 冷蔵異常
153 z heating lost                              | 暖房停止
154 z water leak                                | 漏水
155 z foil broken                               | 箔の断線
156 z day trouble                               | 昼間の異常
157 z bottled gas low                           | ガスボンベ残量低下
158 z too hot                                   | 高温
159 z too cold                                  | 低温
160 z awareness zone answered                   | 注意区域の反応
161 z air flow lost                             | 通風停止
162 z carbon monoxide                           | 一酸化炭素
163 z tank level                                | タンク水位
168 z too humid                                 | 高湿度
169 z too dry                                   | 低湿度
200 z fire supervision                          | 消防設備の監視
201 z water pressure low                        | 水圧低下
202 z carbon dioxide low                        | 二酸化炭素の残量低下
203 z gate valve                                | 仕切弁
204 z water level low                           | 水位低下
205 z pump running                              | ポンプ始動
206 z pump failed                               | ポンプ故障
300 z system trouble                            | システム異常
301 z mains lost                                | 停電
302 z battery low                               | 電池電圧低下
303 z RAM fault                                 | RAM異常
304 z ROM fault                                 | ROM異常
305 z system reset                              | システム再起動
306 z programming changed                       | 設定変更
307 z self-test failed                          | 自己診断異常
308 z system shut down                          | システム停止
309 z battery test failed                       | 電池試験の不合格
310 z ground fault                              | 地絡
311 z battery missing or dead                   | 電池なし・電池切れ
312 z supply overloaded                         | 電源過負荷
313 u reset by engineer                         | 技術者による復旧
314 z primary supply failed                     | 主電源故障
316 z system tamper                             | システムのこじ開け
317 z control panel tamper                      | 制御盤のこじ開け
320 z sounder or relay                          | 発音器・リレー異常
321 z bell 1                                    | ベル1異常
322 z bell 2                                    | ベル2異常
323 z alarm relay                               | 警報リレー異常
324 z trouble relay                             | 障害リレー異常
325 z reversing relay                           | 反転リレー異常
326 z notification circuit 3                    | 通知回路3異常
327 z notification circuit 4                    | 通知回路4異常
330 z peripheral trouble                        | 周辺装置異常
331 z polling loop open                         | ループ断線（障害）
332 z polling loop short                        | ループ短絡（障害）
333 z module failed                             | 増設装置の障害
334 z repeater failed                           | 中継器故障
335 z printer out of paper                      | 印字用紙切れ
336 z printer failed                            | 印字装置故障
337 z module supply lost                        | 増設装置の電源断
338 z module battery low                        | 増設装置の電池低下
339 z module reset                              | 増設装置の再起動
341 z module tampered with                      | 増設装置のこじ開け（障害）
342 z module mains lost                         | 増設装置の停電
343 z module self-test failed                   | 増設装置の自己診断異常
344 z radio jammed                              | 無線妨害
345 z encryption switched                       | 暗号化の切替
350 z communication trouble                     | 通信異常
351 z telephone line 1 faulty                   | 電話回線1異常
352 z telephone line 2 faulty                   | 電話回線2異常
353 z long-range radio faulty                   | 長距離無線機異常
354 z message not delivered                     | 通報不達
355 z radio supervision lost                    | 無線監視の途絶
356 z polling by centre lost                    | センター側ポーリング途絶
357 z antenna mismatch                          | アンテナ整合異常
358 z periodic communication test               | 定期通信試験
359 z radio network failed                      | 無線網の通信異常
360 e communication trouble, not specified      | 通信異常（詳細不明）
365 z firmware update                           | ファームウェア更新
366 z firmware update failed                    | ファームウェア更新失敗
370 z protection loop                           | 警戒ループ異常
371 z protection loop open                      | 警戒ループ断線
372 z protection loop short                     | 警戒ループ短絡
373 z fire circuit trouble                      | 火災回路異常
374 z exit error, zone                          | 退出操作の誤り（区域）
375 z panic zone trouble                        | 非常区域異常
376 z hold-up zone trouble                      | 強盗区域異常
377 z swinger                                   | 警報の繰り返し
378 z cross-zone trouble                        | 交差区域異常
380 z sensor trouble                            | センサー異常
381 z radio sensor not heard                    | 無線センサーの途絶
382 z wired sensor not heard                    | 有線センサーの途絶
383 z sensor opened                             | センサーのこじ開け（障害）
384 z radio sensor battery low                  | 無線センサー電池低下
385 z smoke sensor too sensitive                | 煙センサー感度過大
386 z smoke sensor not sensitive                | 煙センサー感度不足
387 z motion sensor too sensitive               | 侵入センサー感度過大
388 z motion sensor not sensitive               | 侵入センサー感度不足
389 z sensor self-test failed                   | センサー自己診断異常
391 z sensor watch                              | センサー見守り異常
392 z drift not compensated                     | ドリフト補正異常
393 z maintenance due                           | 保守時期
394 z gas sensor to be replaced                 | COセンサー交換時期
400 u opened or closed                          | 警備の解除・開始
401 u opened or closed by user                  | 利用者による解除・開始
402 u group opened or closed                    | 区画の解除・開始
403 u opened or closed automatically            | 自動の解除・開始
404 u opened or closed late                     | 遅れた解除・開始
405 u opening or closing put off                | 解除・開始の延期
406 u cancelled, help has arrived               | 取消・支援到着
407 u opened or closed remotely                 | 遠隔の解除・開始
408 u quick arming                              | 簡易警備開始
409 u opened or closed by key switch            | 鍵スイッチの解除・開始
411 u call-back requested                       | 折り返し要求
412 u remote access succeeded                   | 遠隔接続成功
413 u remote access failed                      | 遠隔接続失敗
414 u system shut down remotely                 | 遠隔のシステム停止
415 u dialler shut down remotely                | 遠隔の発信停止
416 z upload succeeded                          | 送信成功
418 u cancelled remotely                        | 遠隔の取消
419 u verified remotely                         | 遠隔の確認
421 u entry refused                             | 入館拒否
422 u entry reported                            | 入館記録
423 z forced entry                              | 強制入館
424 u exit refused                              | 退館拒否
425 u exit granted                              | 退館許可
426 z door held open                            | 扉の開け放し
427 z door sensor trouble                       | 扉センサー異常
428 z exit button trouble                       | 退館ボタン異常
429 u access programming begun                  | 入館設定の開始
430 u access programming ended                  | 入館設定の終了
431 u threat level changed                      | 警戒度の変更
432 z door relay failed                         | 扉リレー異常
433 z exit button shunted                       | 退館ボタンの切離し
434 z door sensor shunted                       | 扉センサーの切離し
435 u second person entered                     | 二人目の入館
441 u armed, at home                            | 在宅警備開始
442 u armed by key switch, at home              | 鍵スイッチの在宅警備開始
443 u armed in spite of trouble                 | 異常中の警備開始
450 u opened or closed out of schedule          | 予定外の解除・開始
451 u opened or closed early                    | 早い解除・開始
452 u opened or closed too late                 | 遅い解除・開始
453 u not opened in time                        | 解除なし
454 u not closed in time                        | 警備開始なし
455 u automatic arming failed                   | 自動警備の失敗
456 u armed in part                             | 一部警備
457 u exit error, user                          | 退出操作の誤り（利用者）
458 u user on the premises                      | 利用者在館
459 u closed a moment ago                       | 警備開始直後
461 z wrong code                                | 暗証番号誤り
462 u right code                                | 正しい暗証番号
463 u re-armed after alarm                      | 警報後の再警備
464 u automatic arming put off                  | 自動警備の延長
465 z panic alarm reset                         | 非常通報の復旧
466 u service personnel on or off the premises  | 保守員の入退館
470 e bypass, not specified                     | 切離し（詳細不明）
471 e fire bypass, not specified                | 火災切離し（詳細不明）
473 e zone bypass, not specified                | 区域切離し（詳細不明）
501 z access reader disabled                    | 読取機の停止
520 z sounder disabled                          | 発音器の停止
521 z bell 1 disabled                           | ベル1の停止
522 z bell 2 disabled                           | ベル2の停止
523 z alarm relay disabled                      | 警報リレーの停止
524 z trouble relay disabled                    | 障害リレーの停止
525 z reversing relay disabled                  | 反転リレーの停止
526 z notification circuit 3 disabled           | 通知回路3の停止
527 z notification circuit 4 disabled           | 通知回路4の停止
531 z module added                              | 増設装置の追加
532 z module removed                            | 増設装置の取外し
551 z dialler disabled                          | 発信の停止
552 z radio disabled                            | 無線機の停止
553 z remote access disabled                    | 遠隔接続の停止
570 z zone bypassed                             | 区域の切離し
571 z fire zone bypassed                        | 火災区域の切離し
572 z round-the-clock zone bypassed             | 24時間区域の切離し
573 e burglary zone bypassed                    | 侵入区域の切離し
574 e group bypassed                            | 区画の切離し
575 z repeating zone bypassed                   | 繰返し区域の切離し
576 z access zone shunted                       | 入館区域の切離し
577 z access point bypassed                     | 出入口の切離し
578 z vault bypassed                            | 金庫室の切離し
579 z vent zone bypassed                        | 換気区域の切離し
601 z test by hand                              | 手動試験
602 z periodic test                             | 定期試験
603 z periodic radio test                       | 定期無線送信
604 u fire test                                 | 火災試験
605 z status to follow                          | 状態通知の前触れ
606 z speech to follow                          | 通話に移行
607 u walk test                                 | 歩行試験
608 z periodic test, trouble present            | 定期試験（異常あり）
609 z video transmitter active                  | 映像送信中
611 z point tested                              | 試験済み
612 z point not tested                          | 未試験
613 z intrusion zone walked through             | 侵入区域の歩行試験済み
614 z fire zone walked through                  | 火災区域の歩行試験済み
615 z panic zone walked through                 | 非常区域の歩行試験済み
616 z service requested                         | 保守依頼
621 z event log cleared                         | 履歴消去
622 z event log half full                       | 履歴50％
623 z event log nearly full                     | 履歴90％
624 z event log overflowed                      | 履歴あふれ
625 u clock set                                 | 時刻設定
626 z clock wrong                               | 時刻不正
627 z programming begun                         | 設定開始
628 z programming ended                         | 設定終了
629 z event log marker                          | 履歴の区切り
630 z schedule changed                          | 予定変更
631 z exception schedule changed                | 例外予定変更
632 z access schedule changed                   | 入館予定変更
641 z no activity in time                       | 生活反応なし
642 u latch-key supervision                     | 鍵っ子見守り
643 z restricted door opened                    | 制限扉の開放
651 z reserved for the maker, 651               | メーカー予約651
652 u reserved for the maker, 652               | メーカー予約652
653 u reserved for the maker, 653               | メーカー予約653
654 z system not used                           | システム無操作
655 u user code changed by installer            | 設置者による暗証番号変更
796 z derived channel gives no signal           | 派生回線の出力なし
798 z derived channel controller down           | 派生回線の制御停止
900 e download broken off                       | ダウンロード中断
901 e download begun or ended                   | ダウンロード開始・終了
902 e download interrupted                      | ダウンロード途絶
903 z device update begun or ended              | 機器更新の開始・終了
904 z device update failed                      | 機器更新の失敗
910 e closed automatically with bypass          | 切離しのまま自動開始
911 u closed with bypass                        | 切離しのまま開始
912 z fire alarm silenced                       | 火災警報の停止
913 u supervision test begun or ended           | 監視試験の開始・終了
914 u hold-up test begun or ended               | 強盗試験の開始・終了
915 u burglary test print begun or ended        | 侵入試験印字の開始・終了
916 u supervision test print begun or ended     | 監視試験印字の開始・終了
917 z burglary diagnosis begun or ended         | 侵入診断の開始・終了
918 z fire diagnosis begun or ended             | 火災診断の開始・終了
920 u closed with trouble                       | 異常のまま開始
921 u entry refused, code unknown               | 入館拒否（番号不明）
922 z supervised point in alarm                 | 監視点の警報
923 z supervised point bypassed                 | 監視点の切離し
924 z supervised point trouble                  | 監視点の異常
925 z hold-up point bypassed                    | 強盗通報点の切離し
926 z mains lost for four hours                 | 停電4時間
927 z output trouble                            | 出力異常
928 u user code of an event                     | 事象の利用者番号
929 u logged off                                | ログオフ
954 z connection to centre failed               | センター接続失敗
961 z receiver database connection              | 受信機データベース接続
962 z licence runs out                          | ライセンス期限
999 u event log not read for 32 hours           | 履歴32時間未読
"""


def code(number: str) -> Code:
    """What `number` (three hex digits, as in a frame) means; unknown ones in the hundreds 1 are emergencies."""
    found = codes().get(number)
    if found is not None:
        return found
    if number.isdecimal() and 755 <= int(number) <= 789:
        return Code(number, "user-assigned", "利用者割当", Counts.EITHER, Category.OTHER, Priority.SAME_DAY)
    priority = Priority.EMERGENCY if number.startswith("1") else Priority.SAME_DAY
    return Code(
        number, f"unknown event {number}", f"不明な事象{number}", Counts.EITHER, _family(number), priority, False
    )


@cache
def codes() -> dict[str, Code]:
    """The whole table, by number."""
    table = {}
    for row in _ROWS.strip().splitlines():
        left, japanese = row.split("|")
        number, counts, english = left.split(maxsplit=2)
        table[number] = Code(
            number,
            english.strip(),
            japanese.strip(),
            {"z": Counts.ZONE, "u": Counts.USER, "e": Counts.EITHER}[counts],
            _family(number),
            _priority(number),
        )
    return table


def _family(number: str) -> Category:
    if not number.isdecimal() or number < _FAMILIES[0][0]:
        return Category.OTHER
    return next(category for first, category in reversed(_FAMILIES) if number >= first)


def _priority(number: str) -> Priority:
    if int(number) in _EMERGENCIES:
        return Priority.EMERGENCY
    if int(number) in _SAME_DAY or number.startswith("1"):
        return Priority.SAME_DAY
    return Priority.RECORD
