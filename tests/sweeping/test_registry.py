"""registry.json, selection.json and their schemas."""

import json

import pytest

from sightline.common.errors import SightlineError
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.file import Limits
from sightline.sweeping.registering import choose, describe_unmet, register
from sightline.sweeping.registry import REGISTRY, SELECTION, Registry, Selection, read_file, read_registry, write_files
from sweep_results import result

NOTHING = Registry(format=1, models={})
UNCHOSEN = Selection(format=1, selected={})


def write(board, root, limits=None, before=NOTHING, chosen=UNCHOSEN):
    registry = register(board, before, "a processor")
    selection = choose(board, registry, {data: limits or Limits() for data in board}, chosen)
    write_files(registry, selection, root)
    return registry, selection


def test_what_is_written_is_read_again_and_says_what_a_backend_needs(tmp_path):
    registry, selection = write(rank([result("cnn", 0.9, test=0.8), result("vit", 0.7)]), tmp_path)
    assert read_registry(tmp_path) == registry
    assert read_file(Selection, tmp_path / SELECTION) == selection
    content = json.loads((tmp_path / SELECTION).read_text())["selected"]["digits"]
    assert content["model"] == "cnn"
    record = content["record"]
    assert record["file"] == {"path": "models/exported/model.onnx", "sha256": 64 * "0", "bytes": 1_000_000}
    assert (record["version"], record["commit"], record["latency_ms"]) == (1, 40 * "a", 1.0)
    assert record["parameters"] == {"model": "cnn", "seed": 0}
    assert record["metrics"]["test"]["accuracy"] == 0.8
    schema = json.loads((tmp_path / "registry/selection.schema.json").read_text())
    assert set(schema["properties"]) == {"format", "selected"}


def test_a_version_grows_with_another_commit_and_what_the_board_lacks_stays(tmp_path):
    first, _ = write(rank([result("cnn", 0.9), result("vit", 0.7)]), tmp_path)
    again, _ = write(rank([result("cnn", 0.9)]), tmp_path, before=first)
    assert again == first
    second, _ = write(rank([result("cnn", 0.91, commit="b")]), tmp_path, before=again)
    assert (second.models["digits"]["cnn"].version, second.models["digits"]["vit"].version) == (2, 1)


def test_selections_of_data_sets_that_the_board_lacks_stay(tmp_path):
    first, chosen = write(rank([result("cnn", 0.9, data="cats")]), tmp_path, Limits(min_accuracy=0.95))
    _, both = write(rank([result("vit", 0.7)]), tmp_path, before=first, chosen=chosen)
    assert {data: choice.model for data, choice in both.selected.items()} == {"cats": None, "digits": "vit"}
    assert describe_unmet(rank([result("vit", 0.7)]), both) == []


def test_where_files_are_not_here_what_is_registered_of_them_stays_and_counts(tmp_path):
    slow = Limits(max_latency_ms=2.0)
    first, chosen = write(rank([result("vit", 0.9, latency=3.0), result("cnn", 0.8)]), tmp_path, slow)
    assert chosen.selected["digits"].model == "cnn"
    elsewhere = rank([result("vit", 0.9, latency=None), result("cnn", 0.8, latency=None)])
    assert write(elsewhere, tmp_path, slow, first, chosen) == (first, chosen)
    _, unknown = write(rank([result("cnn", 0.8, latency=None, commit="b")]), tmp_path, slow, first, chosen)
    assert unknown.selected["digits"].model is None


def test_without_results_nothing_is_written(tmp_path):
    write({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_limits_that_nobody_keeps_to_are_one_line_and_select_nothing(tmp_path):
    board = rank([result("cnn", 0.9, size=3_000_000), result("vit", 0.7, size=2_000_000)])
    _, selection = write(board, tmp_path, Limits(max_file_mb=1.0))
    assert selection.selected["digits"].model is None
    assert list(selection.selected["digits"].passed_over) == ["cnn", "vit"]
    assert describe_unmet(board, selection) == [
        "sweep.yaml: limits: no model of digits keeps to them; the best, cnn: file 3.00 MB, at most 1"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": 2, "models": {}}', "format 2, written by a newer version; this one knows 1: update it"),
        ('{"format": 1}', "models: is missing: `dvc checkout`"),
        ("{", "damaged"),
    ],
)
def test_a_registry_that_cannot_be_read_is_one_line(tmp_path, content, message):
    (tmp_path / "registry").mkdir()
    (tmp_path / REGISTRY).write_text(content)
    with pytest.raises(SightlineError, match=message) as caught:
        read_registry(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_selection_names_what_makes_it(tmp_path):
    with pytest.raises(SightlineError, match=r"selection\.json: not found: `make sweep` writes it"):
        read_file(Selection, tmp_path / SELECTION)
