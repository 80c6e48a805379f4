"""A stand-in for 动产融资统一登记公示系统: a process of its own, with its own store.

It does what the register does and no more: files entries as they come (no examination), answers searches
by the grantor, changes, extends and cancels, takes objections, and certifies all of it by number, as JSON and
as PDF; each entry with a receipt, signed with its own key. `python -m scf.registry.simulator --port 8702`; entries are kept under `$SCF_DATA/registry/`. Its clock
is business time, as the register's would be.
"""

from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import Response

from scf.http.simulating import Books, face, serve
from scf.kernel.clock import Clock
from scf.papers import typesetting
from scf.registry.receipts import ReceiptKey
from scf.registry.simulated import (
    SCHEMA,
    AmendmentIn,
    CancellationIn,
    ExtensionIn,
    FilingIn,
    ObjectionIn,
    Register,
    SearchIn,
)


def create_app(register: Register) -> FastAPI:
    """Build the register's HTTP interface."""
    app = face("动产融资统一登记公示系统（模拟） Register of security interests, simulated")

    @app.post("/searches", status_code=201)
    def search(body: SearchIn) -> dict[str, Any]:
        return register.search(body.grantor)

    @app.post("/registrations", status_code=201)
    def enter(body: FilingIn) -> dict[str, Any]:
        return register.register(body)

    @app.get("/registrations")
    def find(reference: Annotated[str, Query(max_length=100)]) -> dict[str, Any]:
        return register.find(reference)

    @app.post("/registrations/{reg_no}/amendments", status_code=201)
    def amend(reg_no: str, body: AmendmentIn) -> dict[str, Any]:
        return register.amend(reg_no, body)

    @app.post("/registrations/{reg_no}/extensions", status_code=201)
    def extend(reg_no: str, body: ExtensionIn) -> dict[str, Any]:
        return register.extend(reg_no, body)

    @app.post("/registrations/{reg_no}/cancellation")
    def cancel(reg_no: str, body: CancellationIn) -> dict[str, Any]:
        return register.cancel(reg_no, body)

    @app.post("/registrations/{reg_no}/objections", status_code=201)
    def object_(reg_no: str, body: ObjectionIn) -> dict[str, Any]:
        return register.object(reg_no, body)

    @app.get("/registrations/{reg_no}/objections")
    def objections(reg_no: str) -> dict[str, Any]:
        return register.objections(reg_no)

    _certify(app, register)
    return app


def _certify(app: FastAPI, register: Register) -> None:
    """Hand certificates out to anyone who has their number."""

    @app.get("/certificates/{number}.pdf")
    def certificate_pdf(number: str) -> Response:
        return Response(register.certificate_pdf(number), media_type=typesetting.MEDIA_TYPE)

    @app.get("/certificates/{number}")
    def certificate(number: str) -> Response:
        return Response(register.certificate(number), media_type="application/json")


def _open(data: Path, clock: Clock) -> FastAPI:
    books = Books(data / "registry" / "registry.sqlite3", SCHEMA, clock)
    return create_app(Register(books, ReceiptKey.open(data, clock)))


if __name__ == "__main__":
    serve(_open, about=__doc__, port=8702)
