"""Is the process alive, and can it serve."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text

from scf.db.session import Database
from scf.kernel.errors import Unavailable

router = APIRouter(tags=["运行 operations"])


class NotReady(Unavailable):
    """A process serves once its database answers and the installation is set up."""

    code = "platform.not_ready"
    title = "平台尚未就绪"
    title_en = "Not ready to serve yet"


class HealthOut(BaseModel):
    """All is well."""

    status: str = Field("ok", examples=["ok"])


@router.get("/healthz", summary="进程存活")
def alive() -> HealthOut:
    """Answer whenever the process runs."""
    return HealthOut(status="ok")


@router.get("/readyz", summary="可以提供服务")
def ready(request: Request) -> HealthOut:
    """Answer once the database does and the log is open; 503 before."""
    database: Database = request.app.state.database
    with database.reading() as session:
        if not session.scalar(text("SELECT EXISTS (SELECT FROM log_head)")):
            raise NotReady(missing="log")
    return HealthOut(status="ok")
