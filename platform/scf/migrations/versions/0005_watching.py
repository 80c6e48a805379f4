"""Devices, their readings by month, and stocktakes.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0005_watching.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0005_watching_down.sql")
