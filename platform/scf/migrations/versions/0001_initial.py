"""The first schema, in SQL: tables, their constraints, and the triggers that guard them.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _run("0001_initial.sql")


def downgrade() -> None:
    """Take back."""
    _run("0001_initial_down.sql")


def _run(name: str) -> None:
    """Hand the file to the driver as it is: `%` in it is PL/pgSQL's, not a parameter's."""
    script = Path(__file__).with_name(name).read_text("utf-8")
    op.get_bind().connection.cursor().execute(script)
