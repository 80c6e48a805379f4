"""Goods in warehouses, the receipts over them, and pledges on receipts.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0003_stock.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0003_stock_down.sql")
