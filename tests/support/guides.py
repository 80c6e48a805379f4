"""The lines that a guide asks a reader to paste, as one script."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guide"
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(scf|scf-verify|openssl|jq|curl|python)\b|[A-Z]+=")


def script_of(name: str) -> str:
    """Return the lines of every block that begins with a command; drawings and formulas are left out."""
    page = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    blocks = [block for block in _BLOCK.findall(page) if _COMMAND.match(block)]
    assert blocks, f"{name}.md has no lines to paste"
    return "\n".join(blocks)
