"""Amounts that fit one by one may add up to more than money holds."""

import pytest

from scf.documents.parsing import parse
from scf.documents.parsing.errors import FieldInvalid
from tests.support.invoices import cn_einvoice


def test_a_sum_beyond_the_bound_is_the_document_s_fault():
    whole = cn_einvoice(net="9999999999999.99", tax="9999999999999.99", total="9999999999999.99")
    with pytest.raises(FieldInvalid) as refused:
        parse(whole)
    assert refused.value.code == "document.field_invalid"
