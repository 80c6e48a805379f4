"""Prices, control agreements over pledged stock, marks and margin calls.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0004_collateral.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0004_collateral_down.sql")
