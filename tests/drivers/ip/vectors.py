"""Frames worked by hand or seen elsewhere (the fact sheet of DC-09, A2), and keys with what openssl makes of them."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)

TEXT = b'F4D20029"SIA-DCS"0001RF3L77#1234[#1234|NRR|Atest]'
EMPTY = b'96ED0016"SIA-DCS"0001L0#1234[]'
NAK = b'E4410025"NAK"0000R0L0A0[]_16:20:01,09-24-2025'
NO_PREFIX = b'3BAC0029"SIA-DCS"0002#0123[#0123|Nti20:50:26RP99]'
ALARM = b'5E160027"ADM-CID"0007L0#1234[#1234|1101 00 003]'
STAMPED = b'EC8C003D"ADM-CID"0008R1L2#1234[#1234|1602 00 000]_12:34:56,11-21-2026'
NULL = b'1EF20013"NULL"0000L0#1234[]'
ACK = b'04210012"ACK"0007L0#1234[]'
WORKED = (TEXT, EMPTY, NAK, NO_PREFIX, ALARM, STAMPED, NULL, ACK)

CONTENT = b"#1234|1602 00 000]_12:34:56,11-21-2026"  # behind nine letters of padding, a to i, and the bar
KEYS = [bytes(range(octets)) for octets in (16, 24, 32)]
SEALED = [  # openssl enc -aes-N-cbc -nopad -iv 0
    b"674A940DE2810FA1DBF48111E11AFCE5242C58B993AB9167491834CD3B692C565910CCB11BDA5E6CC8E99222EE706754",
    b"888D25EE34E9DBB87F9AFD77620D0F2B4B1243AD92CBDBE8B1C9BA77756FC1A088E772BD966802E206E58CCA94C8CD01",
    b"144F301C401FB8EE00897A75DC2A2F7F8703CE8E83498681432A16ED9B05367B4F5B04127097D9F221DEEF2F6D919800",
]


def wire(frame: bytes) -> bytes:
    """With its LF and CR."""
    return b"\n" + frame + b"\r"


def letters(count: int) -> bytes:
    """Padding that is the same each time."""
    return b"abcdefghijklmnop"[:count]
