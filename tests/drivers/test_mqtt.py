"""The driver against a real broker: TLS, passwords, refusals, the last will, and a broker that dies."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drivers.mqtt import Broker, BrokerGone, Session, Tls, Will


def broker(port: int, **settings: Any) -> Broker:
    return Broker("127.0.0.1", port, settings.pop("client_id", "test"), **settings)


async def first(session: Session) -> tuple[str, bytes]:
    async for message in session.inbound():
        return message
    raise AssertionError("the session ended")


async def test_what_is_published_arrives(mosquitto: Any) -> None:
    mosquitto.start()
    async with broker(mosquitto.port).session() as session, broker(mosquitto.port, client_id="b").session() as other:
        await other.subscribe("a/+")
        await session.publish("a/b", "呼".encode())
        assert await asyncio.wait_for(first(other), 5) == ("a/b", "呼".encode())


async def test_messages_started_together_leave_in_order(mosquitto: Any) -> None:
    mosquitto.start()
    async with broker(mosquitto.port).session() as session, broker(mosquitto.port, client_id="b").session() as other:
        await other.subscribe("a")
        sending = asyncio.gather(*(session.publish("a", str(n).encode()) for n in range(200)))
        got = []
        async for _, payload in other.inbound():
            got.append(int(payload))
            if len(got) == 200:
                break
        await sending
    assert got == list(range(200))


async def test_the_will_speaks_when_we_cannot(mosquitto: Any) -> None:
    mosquitto.start()
    async with broker(mosquitto.port, client_id="b").session() as other:
        await other.subscribe("health")

        async def cut_off() -> None:
            async with broker(mosquitto.port, will=Will("health", b"gone")).session() as session:
                session.client._client.socket().shutdown(2)  # the cable is cut
                await first(session)

        with pytest.raises(BrokerGone):
            await cut_off()
        assert await asyncio.wait_for(first(other), 5) == ("health", b"gone")


async def test_a_broker_that_dies_ends_the_session(mosquitto: Any) -> None:
    mosquitto.start()

    async def outlive() -> None:
        async with broker(mosquitto.port).session() as session:
            mosquitto.kill()
            await first(session)

    with pytest.raises(BrokerGone):
        await outlive()


async def test_nobody_there() -> None:
    with pytest.raises(BrokerGone, match=r"127\.0\.0\.1:1: .*refused"):
        async with broker(1).session():
            pass


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """ca.pem, broker.pem, ours.pem with their keys; other.pem: an authority that signed neither."""
    now = datetime.datetime.now(datetime.UTC)
    authorities: dict[str, tuple[x509.Certificate, ec.EllipticCurvePrivateKey]] = {}

    def make(name: str, issuer: str | None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = authorities.get(issuer or "")
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer[0].subject if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        certificate = builder.sign(signer[1] if signer else key, hashes.SHA256())
        authorities[name] = certificate, key
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (tmp_path / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    for name, issuer in (("ca", None), ("other", None), ("broker", "ca"), ("ours", "ca")):
        make(name, issuer)
    return tmp_path


async def test_tls_with_our_certificate(mosquitto: Any, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.mqtt.ANSWER_S", 0.5)
    mosquitto.extra = (
        f"cafile {certificates}/ca.pem",
        f"certfile {certificates}/broker.pem",
        f"keyfile {certificates}/broker.key",
        "require_certificate true",
    )
    mosquitto.start()

    async def connect(host: str, tls: Tls | None) -> None:
        async with Broker(host, mosquitto.port, "test", tls=tls).session() as session:
            await session.publish("a", b"b")

    ours = (certificates / "ours.pem", certificates / "ours.key")
    await connect("localhost", Tls(certificates / "ca.pem", *ours))
    for host, tls, why in (
        ("localhost", Tls(certificates / "other.pem", *ours), "verify failed"),
        ("127.0.0.1", Tls(certificates / "ca.pem", *ours), "verify failed"),
        ("localhost", Tls(certificates / "ca.pem"), "."),
        ("localhost", None, "."),
        ("localhost", Tls(certificates / "none.pem", *ours), "none.pem|No such file"),
        ("localhost", Tls(certificates / "ours.key", *ours), "."),
    ):
        with pytest.raises((BrokerGone, ValueError), match=why):
            await asyncio.wait_for(connect(host, tls), 15)


async def test_a_password_from_a_file(mosquitto: Any, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "yobirin", "ひみつ"], check=True)
    mosquitto.extra = ("allow_anonymous false", f"password_file {passwords}")
    mosquitto.start()
    (tmp_path / "right").write_text("ひみつ\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("x")
    async with broker(mosquitto.port, username="yobirin", password_file=tmp_path / "right").session() as session:
        await session.publish("a", b"b")
    for name, why in (("wrong", "[Nn]ot authori[sz]ed"), ("none", "none")):
        with pytest.raises(BrokerGone, match=why):
            async with broker(mosquitto.port, username="yobirin", password_file=tmp_path / name).session():
                pass
