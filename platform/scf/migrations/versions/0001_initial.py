"""The first schema."""

from alembic import op

from scf.db.base import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    Base.metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Take back."""
    Base.metadata.drop_all(op.get_bind())
