"""The notebooks read what the pipeline wrote, run, and lie in Git without what they showed."""

import json

import pytest

from imports import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path):
    """Return the cells of code of a notebook."""
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["01_data", "02_training", "03_results"]


@every_notebook
def test_git_keeps_no_outputs(path):
    assert [cell["outputs"] for cell in cells(path) if cell["outputs"]] == []
    assert {cell["execution_count"] for cell in cells(path)} == {None}


@every_notebook
def test_its_code_runs_on_what_git_has_of_the_pipeline(path, monkeypatch):
    """Without a kernel, whose start takes seconds."""
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    monkeypatch.chdir(path.parent)
    names = {}
    for cell in cells(path):
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert len(pyplot.get_fignums()) >= 2
    pyplot.close("all")


@every_notebook
def test_its_code_holds_no_logic_of_its_own(path):
    code = "\n".join("".join(cell["source"]) for cell in cells(path))
    assert [word for word in ("def ", "class ", "sightline", "np.", "http") if word in code] == []


@pytest.mark.slow
@every_notebook
def test_it_runs_in_a_kernel(path):
    from nbclient import NotebookClient
    from nbformat import read

    notebook = read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in data for data in shown)
    assert any("text/html" in data for data in shown)
