"""Fixtures of the tests of sparse batches."""

import pytest

from sknets._training.feature_table import FeatureTable


@pytest.fixture
def updates(monkeypatch):
    """Whether only rows were updated, for each batch that was not dense."""
    seen = []
    backward = FeatureTable.backward

    def spy(table, *arguments):
        seen.append(table.by_rows)
        return backward(table, *arguments)

    monkeypatch.setattr(FeatureTable, "backward", spy)
    return seen
