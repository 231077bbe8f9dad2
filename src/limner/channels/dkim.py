"""Signs mails after RFC 6376 (relaxed/relaxed), with an RSA or an Ed25519 key (RFC 8463). Knows no network.

Cryptography does the arithmetic in C: a signature must not be what bounds the sending rate.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from limner.errors import ConfigError

SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
"""The headers that are signed where they are there; the first three are sealed against a second one."""
_SEALED = 3
_LEAST_BITS = 1024
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_TEXT = 250
"""Bytes of one string of a TXT record: at most 255 fit."""


@dataclass(frozen=True)
class Signer:
    """Signs for a domain; receivers find the public key under selector._domainkey.domain."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    def sign(self, content: bytes, *, at: int) -> bytes:
        """The mail with its signature in front. `at`: seconds since 1970."""
        head, _, body = content.partition(b"\r\n\r\n")
        fields = _fields(head)
        names = [name for name in SIGNED if name in fields]
        names += [name for name in SIGNED[:_SEALED] if name in fields]
        digest = base64.b64encode(hashlib.sha256(_body(body)).digest()).decode()
        unsigned = (
            f"v=1; a={self._algorithm}; c=relaxed/relaxed; d={self.domain}; s={self.selector}; t={at};"
            f"\r\n h={':'.join(names)};\r\n bh={digest};\r\n b="
        )
        seen: set[str] = set()
        hashed = b""
        for name in names:
            if name not in seen:
                hashed += name.encode() + b":" + fields[name] + b"\r\n"
            seen.add(name)
        hashed += b"dkim-signature:" + _value(unsigned.encode())
        signature = base64.b64encode(self._signature(hashed)).decode()
        folded = "\r\n ".join(signature[start : start + 72] for start in range(0, len(signature), 72))
        return f"DKIM-Signature: {unsigned}{folded}\r\n".encode() + content

    @property
    def record_name(self) -> str:
        """Where the public key is published."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the DNS record that publishes the public key."""
        public = self.key.public_key()
        if isinstance(self.key, Ed25519PrivateKey):
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file: a long text stands there in pieces."""
        starts = range(0, len(self.record), _TEXT)
        pieces = " ".join(f'"{self.record[start : start + _TEXT]}"' for start in starts)
        return f"{self.record_name}. IN TXT ( {pieces} )"

    @property
    def _algorithm(self) -> str:
        return "ed25519-sha256" if isinstance(self.key, Ed25519PrivateKey) else "rsa-sha256"

    def _signature(self, hashed: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(hashlib.sha256(hashed).digest())
        return self.key.sign(hashed, padding.PKCS1v15(), hashes.SHA256())


def signer(pem: bytes, *, domain: str, selector: str) -> Signer:
    """The signer with the private key of a PEM text. Raises ConfigError for anything else."""
    for name, value in (("dkim_selector", selector), ("dkim_domain", domain)):
        if not _NAME.fullmatch(value):
            raise ConfigError(f"email.{name} is no part of a domain's name: '{value}'")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            "the DKIM key is no private key in PEM without a password",
            hint="openssl genrsa -out dkim.pem 2048",
        ) from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError("the DKIM key is neither RSA nor Ed25519", hint="openssl genrsa -out dkim.pem 2048")
    if isinstance(key, RSAPrivateKey) and key.key_size < _LEAST_BITS:
        raise ConfigError(f"the DKIM key has {key.key_size} bits: receivers take {_LEAST_BITS} or more")
    return Signer(domain, selector, key)


def _fields(head: bytes) -> dict[str, bytes]:
    """The value of each header in its relaxed form; of several of one name the last, which verifiers take first."""
    found: dict[str, bytes] = {}
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().lower().decode("ascii", "replace")] = _value(value)
    return found


def _value(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _body(body: bytes) -> bytes:
    """The body in its relaxed form: no blanks at the ends of lines, no empty lines at the end."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
