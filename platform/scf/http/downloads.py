"""Answers that are files."""

from urllib.parse import quote

from fastapi.responses import Response


def download(content: bytes | str, filename: str, media_type: str) -> Response:
    """Answer with a file that a browser stores and never opens (RFC 6266, RFC 8187)."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
