"""Over TLS: a certificate nobody knows is told in words, a known one works, a stop closes the socket at once."""

import asyncio
import ssl
import time
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from relai_tui.api.errors import Misconfigured
from relai_tui.api.request import ChatRequest, Message
from tests.api.conftest import Connect
from tests.api.raw_server import RawServer, event, replies, streams_then_stalls
from tests.api.said import said

x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signed itself, with its private key, in one file."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def secured(certificate: Path) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return RawServer(context)


async def test_an_unknown_certificate_is_told_and_not_tried_again(
    certificate: Path, connect: Connect, waits: list[float]
) -> None:
    async with secured(certificate) as server:
        client = connect(server.base_url.replace("http:", "https:"))
        with pytest.raises(Misconfigured, match=r"certificate of 127\.0\.0\.1"):
            await client.balance()
    assert server.asked == []
    assert waits == []


async def test_a_known_certificate_works_and_a_stop_closes_at_once(
    certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with secured(certificate) as server:
        server.answers = [replies(200, {"credits_micro": 7}), streams_then_stalls(event("x"))]
        client = connect(server.base_url.replace("http:", "https:"))
        assert (await client.balance()).credits_micro == 7
        began = time.monotonic()
        async with aclosing(client.stream_chat(ChatRequest("m", (Message("user", "x"),)))) as deltas:
            assert await anext(deltas) == said("x")
            began = time.monotonic()
        await asyncio.wait_for(server.lines[0].gone.wait(), 0.25)
        assert time.monotonic() - began < 0.25
