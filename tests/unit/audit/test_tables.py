"""The audit knows its tables by itself, also in a program that serves no API."""

import subprocess
import sys

PROGRAM = """
import scf.audit.service
from scf.audit.history import SUBJECTS
from scf.audit.tables import AUDITED
from scf.db.base import Base
print(sorted({*SUBJECTS, *AUDITED} - set(Base.metadata.tables)))
"""


def test_every_table_is_mapped_where_only_the_audit_is_loaded():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
