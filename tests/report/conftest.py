"""The figures of a page are drawn once, in the tests about them; elsewhere its words are enough."""

import pytest

from bdlab.report import page


@pytest.fixture
def without_figures(monkeypatch):
    monkeypatch.setattr(page, "report_figures", lambda table: [])
