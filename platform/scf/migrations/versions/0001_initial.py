"""The first schema, in SQL: tables, their constraints, and the triggers that guard them.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0001_initial.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0001_initial_down.sql")
