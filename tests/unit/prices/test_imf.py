from fractions import Fraction
from pathlib import Path

import pytest

import scf
from scf.kernel.money import Money
from scf.prices import imf
from scf.prices.imf import ColumnUnknown, PriceFileInvalid
from tests.support.prices import IMF_FOLDER, needs_imf

SAMPLE = (Path(scf.__path__[0]) / "samples" / "prices" / "monthly.csv").read_bytes()


def told(quotes):
    return [(quote.on.isoformat(), quote.price.text) for quote in quotes]


class TestTheSample:
    def test_a_month_is_known_when_it_is_over(self):
        assert told(imf.read(SAMPLE, "Copper"))[:2] == [
            ("2025-05-31", "9530.25"),
            ("2025-06-30", "9835.07"),
        ]

    def test_cents_a_pound_become_dollars_a_ton_and_gaps_stay_gaps(self):
        assert told(imf.read(SAMPLE, "Cotton")) == [
            ("2025-05-31", "1722.36"),  # 78.125 / 100 / 0.45359237 x 1000
            ("2025-06-30", "1728.42"),
            ("2025-07-31", "1742.75"),
            ("2025-09-30", "1720.05"),
        ]

    def test_at_a_rate_it_is_in_another_currency(self):
        quotes = imf.read(SAMPLE, "Copper", currency="CNY", rate=Fraction("7.12"))
        assert quotes[0].price == Money.parse("67855.38")


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "fields"),
        [
            (b"", {"line": 1}),
            (b"Month,Copper\n", {"line": 1}),
            (b"Date,Copper\n2025-05-01,1,2\n", {"line": 2, "cells": 3, "expected": 2}),
            (b"Date,Copper\n2025-05-01\n", {"line": 2, "cells": 1}),
            (b"Date,Copper\n2025-05-02,1\n", {"line": 2, "date": "2025-05-02"}),
            (b"Date,Copper\n20250501,1\n", {"line": 2, "date": "20250501"}),
            (b"Date,Copper\n2025-05-01,1e3\n", {"line": 2, "price": "1e3"}),
            (b"Date,Copper\n2025-05-01,-1\n", {"line": 2, "price": "-1"}),
            (b"Date,Copper\n2025-05-01,0\n", {"line": 2, "price": "0"}),
            (b"Date,Copper\n2025-05-01,NaN\n", {"line": 2, "price": "NaN"}),
            (b"Date,Copper\n2025-05-01,.\n", {"line": 2, "price": "."}),
            (b"Date,Copper\n2025-05-01," + b"9" * 30 + b"\n", {"line": 2}),
            (b"Date,Copper\n2025-06-01,1\n2025-05-01,1\n", {"line": 3, "after": "2025-06-30"}),
            (b"Date,Copper\n2025-06-01,1\n2025-06-01,1\n", {"line": 3}),
            (b'Date,Copper\n"2025-06-01,1\n', {"line": 2}),
            (b"\xff\xfe", {"expected": "UTF-8"}),
            (b"x" * (imf.BYTES_MAX + 1), {"bytes_max": imf.BYTES_MAX}),
        ],
    )
    def test_names_where_it_is_wrong(self, content, fields):
        with pytest.raises(PriceFileInvalid) as refused:
            imf.read(content, "Copper")
        assert fields.items() <= refused.value.fields.items()

    @pytest.mark.parametrize("column", ["Metals Price Index", "Gold", "Zinc", "Date"])
    def test_a_column_without_a_known_unit(self, column):
        with pytest.raises(ColumnUnknown) as refused:
            imf.read(SAMPLE, column)
        assert refused.value.fields["known"] == ["Copper", "Cotton"]


@needs_imf
class TestTheRealFile:
    def test_has_the_whole_history_of_copper_and_cotton(self):
        content = (IMF_FOLDER / "commodity-prices.csv").read_bytes()
        copper, cotton = imf.read(content, "Copper"), imf.read(content, "Cotton")

        assert (len(copper), copper[0].price.text) == (450, "2592.63")
        assert dict(told(copper))["2008-07-31"] == "8407.02"
        assert dict(told(cotton))["2011-03-31"] == "5063.30"

    def test_a_file_whose_columns_have_slipped_is_refused(self):
        """Its rows have 95 cells under 64 names: what stands under `Copper` is something else."""
        content = (IMF_FOLDER / "commodity-prices_v2.csv").read_bytes()
        with pytest.raises(PriceFileInvalid) as refused:
            imf.read(content, "Copper")
        assert refused.value.fields == {"line": 2, "cells": 95, "expected": 64}
