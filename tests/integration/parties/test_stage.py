"""The cast that other tests build on is complete."""


def test_every_company_is_there_with_its_people(stage):
    cast = stage.cast

    answer = stage.get(None, "/v1/parties")

    assert {p["name"] for p in answer.json()["items"]} == {
        c.name
        for c in (
            *(cast.anchor, cast.supplier, cast.second_supplier),
            *(cast.bank, cast.second_bank, cast.regulator),
        )
    }
    assert len(cast.anchor.signers("confirm")) == 2
    assert len(cast.supplier.signers("pledge")) == 1
    assert stage.get(cast.supplier, f"/v1/parties/{cast.supplier.id}").status_code == 200
    assert stage.get(cast.supplier, f"/v1/parties/{cast.bank.id}").status_code == 404
