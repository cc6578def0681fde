"""The harness tells a notebook that runs from one that goes red."""

import json

import pytest


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A notebook of two cells, served as if it were one of ours."""
    from . import conftest

    def write(code):
        cells = [
            {
                "cell_type": "code",
                "metadata": {"tags": ["parameters"]},
                "source": "size = 2  # int",
                "id": "a",
            }
        ]
        cells += [{"cell_type": "code", "metadata": {}, "source": code, "id": "b"}]
        about = {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            }
        }
        for number, cell in enumerate(cells, start=1):  # as `make notebooks` leaves them
            stale = {"output_type": "stream", "name": "stdout", "text": "of an earlier run\n"}
            cell |= {"outputs": [stale], "execution_count": number}
        (tmp_path / "notebooks").mkdir()
        (tmp_path / "notebooks" / "small.ipynb").write_text(
            json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})
        )
        monkeypatch.setattr(conftest, "REPOSITORY", tmp_path)

    return write


def test_a_sound_notebook_runs_with_its_parameters(small, notebook):
    small("print('the size is', size)")
    book = notebook("small", size=7)
    book.run()
    assert book.page.get_by_text("the size is 7").count() == 1
    assert book.page.get_by_text("of an earlier run").count() == 0


@pytest.mark.parametrize("code", ["1 / 0", "import sys; print('oh', file=sys.stderr)"])
def test_a_notebook_that_goes_red_is_found(small, notebook, code):
    small(code)
    with pytest.raises(AssertionError, match="ZeroDivisionError|oh"):
        notebook("small").run()


def test_an_unknown_parameter_is_refused(small, notebook):
    small("0")
    with pytest.raises(KeyError, match="sise"):
        notebook("small", sise=1)
