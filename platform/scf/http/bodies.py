"""Bodies that are files: taken as they came."""

from typing import Annotated

from fastapi import Depends, Request


async def read_body(request: Request) -> bytes:
    """Return the body as it came, whatever its content type; read in the event loop, once."""
    return await request.body()


RawBody = Annotated[bytes, Depends(read_body)]
