"""What a WeChat server signs and encrypts. Knows no event: texts in, texts out.

Source: the platform's own description of message encryption; AES-256-CBC whose key is the account's EncodingAESKey, its
first 16 bytes the initial vector, padded to 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from hashlib import sha1
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from limner.errors import InputError

_BLOCK = 32
_LENGTH = 16 + 4
"""Random bytes, and the length of the text, before the text."""


def signature(parts: Sequence[str]) -> str:
    """The signature of a call: the SHA-1 of its parts, sorted and put together; 40 hex digits."""
    return sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def is_signed(given: str, parts: Sequence[str]) -> bool:
    """Whether the signature is that of the parts; it takes as long whatever it is."""
    return compare_digest(given.lower().encode(), signature(parts).encode())


def decrypted(text: str, *, key: str, app_id: str) -> str:
    """The text that was encrypted for this account.

    `key`: the EncodingAESKey, 43 characters. Raises InputError where it is not of this key, or of another account.
    """
    try:
        sealed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("the encrypted text is not base64", code="not_encrypted") from error
    if not sealed or len(sealed) % 16:
        raise InputError("the encrypted text has a wrong length", code="not_encrypted")
    opener = _cipher(key).decryptor()
    plain = opener.update(sealed) + opener.finalize()
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK or len(plain) < _LENGTH + padding:
        raise InputError("the text is not encrypted by this key", code="not_encrypted")
    plain = plain[:-padding]
    (length,) = struct.unpack(">I", plain[16:_LENGTH])
    body, of = plain[_LENGTH : _LENGTH + length], plain[_LENGTH + length :]
    if len(body) != length or not compare_digest(of, app_id.encode()):
        raise InputError("the text is not encrypted for this account", code="other_account")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8", code="not_encrypted") from error


def encrypted(text: str, *, key: str, app_id: str, noise: bytes) -> str:
    """The text encrypted for the account; `noise`: 16 random bytes that come first."""
    body = text.encode()
    plain = noise[:16] + struct.pack(">I", len(body)) + body + app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    sealer = _cipher(key).encryptor()
    return base64.b64encode(sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()).decode()


def _cipher(key: str) -> Cipher[modes.CBC]:
    try:
        raw = base64.b64decode(f"{key}=", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("the EncodingAESKey is not base64", code="bad_key", hint="43 characters") from error
    if len(raw) != 32:
        raise InputError("the EncodingAESKey does not have 43 characters", code="bad_key")
    return Cipher(algorithms.AES256(raw), modes.CBC(raw[:16]))
