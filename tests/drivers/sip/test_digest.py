from __future__ import annotations

import re

import pytest

from drivers.sip.digest import NONCE_S, Guard, Verdict, answer, credentials

USER, PASSWORD, URI = "12345", "geheim", "sip:centre@192.0.2.1"


def guard() -> Guard:
    return Guard(b"secret", 'a "realm"')


def said(one: Guard, algorithm: str, at_s: int = 0, **change: str) -> str:
    """The value of Authorization that a unit makes of a challenge."""
    (value,) = (value for _, value in one.challenge(at_s) if f"algorithm={algorithm}," in value)
    (told,) = credentials([value])
    nc, cnonce = change.pop("nc", "00000001"), "abc"
    if change.pop("qop", "auth") == "":
        del told["qop"]
    given = {**told, **change}
    response = answer(given, "MESSAGE", USER, PASSWORD, nc=nc, cnonce=cnonce, uri=URI)
    realm = given["realm"].replace('"', '\\"')
    end = f', qop=auth, nc={nc}, cnonce="{cnonce}"' if "qop" in told else ""
    return (
        f'Digest username="{USER}", realm="{realm}", nonce="{given["nonce"]}", uri="{URI}", '
        f'response="{change.get("response", response)}", algorithm={given["algorithm"]}{end}'
    )


def check(one: Guard, value: str, at_s: int = 0, **other: str) -> Verdict:
    known = {"method": "MESSAGE", "user": USER, "password": PASSWORD} | other
    return one.check([value], known["method"], known["user"], known["password"], at_s)


def test_the_example_of_rfc_7616() -> None:
    """Section 3.9.1."""
    told = {
        "realm": "http-auth@example.org",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "qop": "auth",
    }
    rest = {"nc": "00000001", "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "uri": "/dir/index.html"}
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        assert answer({**told, "algorithm": algorithm}, "GET", "Mufasa", "Circle of Life", **rest) == response


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_who_knows_the_password(algorithm: str) -> None:
    one = guard()
    assert check(one, said(one, algorithm)) is Verdict.RIGHT
    assert check(one, said(one, algorithm, nc="00000002")) is Verdict.RIGHT
    assert check(one, said(one, algorithm, nc="00000003"), password="other") is Verdict.WRONG
    assert check(one, said(one, algorithm, nc="00000003"), method="OPTIONS") is Verdict.WRONG
    assert check(one, said(one, algorithm, nc="00000003"), user="54321") is Verdict.WRONG
    assert check(one, said(one, algorithm, nc="00000003", response="0" * 32)) is Verdict.WRONG
    assert check(one, said(one, algorithm, nc="3")) is Verdict.WRONG


def test_what_was_heard_before_proves_nothing() -> None:
    one = guard()
    value = said(one, "SHA-256", nc="00000005")
    assert check(one, value) is Verdict.RIGHT
    assert check(one, value) is Verdict.STALE
    (told,) = credentials([value])
    for nc, verdict in (("00000004", Verdict.STALE), ("00000006", Verdict.RIGHT), ("00000006", Verdict.STALE)):
        assert check(one, said(one, "SHA-256", nc=nc, nonce=told["nonce"])) is verdict
    assert check(one, said(one, "SHA-256", at_s=10), at_s=10 + NONCE_S) is Verdict.RIGHT
    assert check(one, said(one, "SHA-256", at_s=20), at_s=21 + NONCE_S) is Verdict.STALE
    for nonce in ("0.0", "x", "0-0.0", ""):
        assert check(one, said(one, "SHA-256", nonce=nonce)) is Verdict.STALE
    assert check(one, said(Guard(b"other", 'a "realm"'), "MD5")) is Verdict.STALE


def test_two_challenges_are_never_the_same() -> None:
    """Or the second message within a second would be taken for the first one, played again."""
    one = guard()
    assert one.challenge(5) != one.challenge(5)
    assert check(one, said(one, "MD5")) is check(one, said(one, "MD5")) is Verdict.RIGHT


def test_without_a_count_once() -> None:
    one = guard()
    value = said(one, "MD5", qop="")
    assert "nc=" not in value
    assert check(one, value) is Verdict.RIGHT
    assert check(one, value) is Verdict.STALE


def test_other_schemes_and_rubbish() -> None:
    one = guard()
    assert one.check([], "MESSAGE", USER, PASSWORD, 0) is Verdict.NONE
    assert check(one, "Basic MTIzNDU6Z2VoZWlt") is Verdict.BASIC
    for value in ("Digest", 'Digest username="1', "Digest a=b", "", "Bearer x", 'Digest response="\udcff"'):
        assert check(one, value) in (Verdict.NONE, Verdict.WRONG)
    value = said(one, "MD5")
    assert check(one, re.sub("algorithm=MD5", "algorithm=MD5-sess", value)) is Verdict.WRONG
    assert check(one, value.replace("qop=auth,", "qop=auth-int,")) is Verdict.WRONG


def test_a_challenge_offers_both() -> None:
    first, second = guard().challenge(5, stale=True)
    assert first[0] == second[0] == "WWW-Authenticate"
    assert first[1].startswith(r'Digest realm="a \"realm\"", nonce="5-0.')
    assert first[1].endswith(', algorithm=SHA-256, qop="auth", stale=true')
    assert "algorithm=MD5" in second[1]
    assert "secret" not in repr(guard())
