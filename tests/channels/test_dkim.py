"""Signatures are judged by another implementation (dkimpy), with the DNS answer that we say to publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from limner.channels.dkim import Signer, signer
from limner.channels.seam import Message, Outcome
from limner.channels.smtp import Smtp
from limner.demo.mail_server import MailServer
from limner.errors import ConfigError
from tests.channels.channel_rigs import NOW

LETTER = Message(
    "id1",
    "ann@example.com",
    subject="春茶 上市",
    text="你好  \r\n\r\n.dot \t line\r\n\r\n\r\n",
    html="<p>你好</p>",
    headers={
        "List-Unsubscribe": "<https://shop.example/u/" + "t" * 120 + ">, <mailto:shop@shop.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)
KEYS: dict[str, Callable[[], rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey]] = {
    "rsa": lambda: rsa.generate_private_key(65_537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def genuine(mail: bytes, made: Signer, record: str = "") -> bool:
    """Whether the mail verifies, by the record that we said to publish."""

    def answer(name: bytes, timeout: int = 5) -> bytes:
        del timeout
        assert name.decode() == f"{made.record_name}."
        return (record or made.record).encode()

    try:
        return bool(dkim.verify(mail, dnsfunc=answer))
    except dkim.DKIMException:
        return False


@pytest.mark.proves("H10")
@pytest.mark.parametrize("kind", list(KEYS))
def test_a_signed_mail_verifies_and_a_changed_one_does_not(kind: str) -> None:
    made = signer(pem(KEYS[kind]()), domain="shop.example", selector="s1")
    with MailServer() as server:
        channel = Smtp(
            host=server.host, port=server.port, sender="Shop 商店 <shop@shop.example>", clock=lambda: NOW,
            signer=made, bounces="bounce@shop.example",
        )  # fmt: skip
        assert channel.send(LETTER).outcome is Outcome.ACCEPTED
        assert channel.send(replace(LETTER, message_id="id2", html="")).outcome is Outcome.ACCEPTED
        channel.close()
        mail, bare = server.messages()
    assert (mail.sender, bare.sender) == ("bounce+id1@shop.example", "bounce+id2@shop.example")
    assert genuine(mail.content, made)
    assert genuine(bare.content, made)
    signed = str(mail.parsed["DKIM-Signature"]).replace(" ", "").lower()
    names = signed.partition("h=")[2].partition(";")[0].split(":")
    assert {"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} <= {
        *names
    }
    assert names.count("from") == 2, "nobody can put another sender in front"
    assert len(max(mail.content.split(b"\r\n"), key=len)) <= 998

    head, _, body = mail.content.partition(b"\r\n\r\n")
    changed = {
        "a letter of the body": head + b"\r\n\r\n" + body.replace(b"PHA+", b"PHB+"),
        "the way out": mail.content.replace(b"/u/ttt", b"/u/ttx"),
        "the subject": mail.content.replace(b"Subject: ", b"Subject: x"),
        "another sender in front": b"From: bank@bank.example\r\n" + mail.content,
        "a line at the end": mail.content + b"x\r\n",
    }
    for what, content in changed.items():
        assert content != mail.content, what
        assert not genuine(content, made), what
    other = signer(pem(KEYS[kind]()), domain="shop.example", selector="s1")
    assert not genuine(mail.content, made, other.record), "another key"
    spaced = mail.content.replace(b"Subject: ", b"SUBJECT:   ")
    assert genuine(spaced, made), "relays may change blanks"


def test_a_record_fits_into_a_zone_and_bad_keys_are_refused() -> None:
    made = signer(pem(KEYS["rsa"]()), domain="shop.example", selector="s1")
    assert made.zone_line.startswith('s1._domainkey.shop.example. IN TXT ( "v=DKIM1; k=rsa; p=')
    pieces = made.zone_line.partition("( ")[2].removesuffix(" )").split('" "')
    assert max(map(len, pieces)) <= 255
    assert "".join(piece.strip('"') for piece in pieces) == made.record
    locked = KEYS["rsa"]().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )

    for bad in (b"", b"nonsense", locked, pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(ConfigError, match="key"):
            signer(bad, domain="shop.example", selector="s1")
    with pytest.raises(ConfigError, match="dkim_selector"):
        signer(pem(KEYS["ed25519"]()), domain="shop.example", selector="a b")
