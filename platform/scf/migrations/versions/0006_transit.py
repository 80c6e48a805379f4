"""Consignments on their way, other titles, freight and storage bills.

Deploy rule: expand, migrate, contract; never lock a busy table for longer than the lock timeout.
"""

from scf.migrations import scripts

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    scripts.run("0006_transit.sql")


def downgrade() -> None:
    """Take back."""
    scripts.run("0006_transit_down.sql")
