"""What the bank's side learned after the first schema.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0002_bank_side.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0002_bank_side_down.sql")
