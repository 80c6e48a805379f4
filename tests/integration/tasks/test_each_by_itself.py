"""A turn over many things: one that fails holds up no other, and leaves nothing half-written."""

from sqlalchemy import text
from structlog.testing import capture_logs


def test_one_that_fails_is_logged_and_stops_no_other(stage):
    with stage.database.transaction() as session:
        session.execute(text("CREATE TABLE turns (item int)"))

    def work(session, item):
        session.execute(text("INSERT INTO turns VALUES (:item)"), {"item": item})
        if item == 2:
            raise ArithmeticError(item)

    with capture_logs() as logs:
        stage.database.each([1, 2, 3], work, task="turns")

    with stage.database.reading() as session:
        assert session.scalars(text("SELECT item FROM turns ORDER BY item")).all() == [1, 3]
    assert [(one["event"], one["task"], one["item"]) for one in logs] == [
        ("turn.defect", "turns", "2")
    ]
