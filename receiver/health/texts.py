"""Each alarm about the receiver itself in the operators' words: what it means to them, and what to do now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    "line_fault": "回線が受信できません。ほかの回線は受信を続けています。モデムとケーブルを確認してください",
    "line_unopened": "回線がまだ開いていません",
    "line_refusing": "着信に応答できませんでした。装置はかけ直すか、第二の番号へかけます",
    "no_line": "回線が一つも設定されていません。何も受信できません",
    "self_call_failed": "自分の回線への試験の電話がつながりませんでした。電話回線を確認してください",
    "path_lost": "端末または受信装置から定期の信号が来ていません。つながるか確認してください",
    "nothing_heard": "長いあいだ、どの装置からも受信がありません。自分の回線へ電話をかけて確認してください",
    "unit_weak": "装置の信号が弱くなっています。電池と電話線の点検を手配してください",
    "storm_began": "回線の数より多い着信が続いています。緊急通報から順に表示します",
    "call_fault": "受信機の不具合で一つの通話が切れました。緊急通報として扱ってください",
    "call_overflow": "一つの通話の信号が多すぎます。通話の記録を確認してください",
    "disk_filling": "ディスクの空きが少なくなっています。管理者に連絡してください",
    "intake_refusing": "着信に応答していません。すぐに管理者に連絡してください",
    "mirror_lost": "受信記録の写し（ミラー）が止まりました。管理者に連絡してください",
    "journal_stuck": "受信記録へ書き込めません。応答信号を返していません。すぐに管理者に連絡してください",
    "journal_unreadable": "受信記録を読めません。すぐに管理者に連絡してください",
    "journal_damaged": "受信記録に壊れた箇所があります。管理者に連絡してください",
    "journal_tail_lost": "受信記録の終わりが失われました。管理者に連絡してください",
    "journal_forked": "受信記録が写しから戻されました。直近の通報を確認してください",
    "log_growing": "受信記録の作業ファイルが大きくなり続けています。管理者に連絡してください",
    "intake_not_followed": "受信した通報を読み取れません。受信は続いています。すぐに管理者に連絡してください",
    "rules_failed": "通報を自動で判断できませんでした。この件を人が確認してください",
    "clock_stepped": "時計が大きく変わりました。時刻の記録に注意してください",
    "intake_absent": "受信の処理が止まっています。すぐに管理者に連絡してください",
    "centre_absent": "受信センターの処理が止まっています。すぐに管理者に連絡してください",
    "centre_behind": "受信した通報の表示が遅れています。すぐに管理者に連絡してください",
    "outbox_old": "外部への通知が届いていません。通知先を確認してください",
    "receiver_trouble": "受信装置が自身の異常を知らせています。表示された内容を見て、受信装置を確認してください",
    "output_unacknowledged": "監視ソフトが受信確認を返していません。通報はたまっています。監視ソフトを確認してください",
    "output_refused": "監視ソフトが受け取らない通報があります。その通報をこの画面で確認してください",
    "output_absent": "監視ソフトへの送信が止まっています。管理者に連絡してください",
    "backup_old": "バックアップが新しくありません。管理者に連絡してください",
    "health_blind": "ディスクが応答しません。管理者に連絡してください",
    "heartbeat_failing": "外部の監視先に生存の信号が届いていません。通信回線を確認してください",
    "health_port": "監視用の窓口が開けません。受信には影響ありません",
}
"""`text_key` → words."""
