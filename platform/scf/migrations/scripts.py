"""A migration is a file of SQL and a second one that takes it back."""

from pathlib import Path

from alembic import op


def run(name: str) -> None:
    """Hand a file beside the revisions to the driver as it is: `%` in it is PL/pgSQL's, not a parameter's."""
    script = Path(__file__).with_name("versions") / name
    op.get_bind().connection.cursor().execute(script.read_text("utf-8"))
