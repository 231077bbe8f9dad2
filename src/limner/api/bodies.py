"""The bodies of what others post here, read under a bound."""

from __future__ import annotations

from fastapi import Request

from limner.errors import InputError


async def bytes_of(request: Request, *, most: int) -> bytes:
    """The body. Raises InputError when it is longer than `most` bytes, before all was read."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            raise InputError(f"the callback is longer than {most} bytes", code="too_long", status=413)
    return bytes(found)


async def text_of(request: Request, *, most: int) -> str:
    """The body as text. Raises InputError when it is longer than `most` bytes, before all was read, or not UTF-8."""
    found = await bytes_of(request, most=most)
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise InputError("the callback is not UTF-8", code="not_utf8") from error
