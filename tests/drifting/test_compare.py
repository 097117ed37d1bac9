import numpy as np
import pytest

from sightline.common.errors import SightlineError
from sightline.drifting import compare as module
from sightline.drifting.compare import compare_batch
from sightline.drifting.numbers import Batch
from sightline.drifting.present import describe, draw, to_json
from sightline.scoring.reference import Reference, describe_embeddings, place

CLASSES = ["ant", "bee"]
FEATURES = 24
MIXED = np.random.default_rng(9).normal(size=(FEATURES, FEATURES)) * np.linspace(2, 0.01, FEATURES)


class World:
    """Draws images as numbers, correlated and skewed as embeddings are; `moved` shifts the 5th feature."""

    def __init__(self, seed: int):
        self.stream = np.random.default_rng(seed)

    def draw(self, count: int, bee: float = 0.5, bright: float = 0.0, moved: float = 0.0) -> tuple:
        drawn = self.stream.normal(size=(count, FEATURES))
        embeddings = np.maximum((drawn + 0.3 * drawn**2) @ MIXED.T + 1, 0)
        embeddings[:, 5] += moved
        pixels = {name: self.stream.normal(0.4, 0.1, count) + bright for name in ("brightness", "contrast")}
        labels = self.stream.random(count) < bee
        return pixels, self.stream.beta(8, 1, count), np.bincount(labels, minlength=2), embeddings

    def reference(self, count: int, embedded: bool = True) -> Reference:
        pixels, confidence, counts, vectors = self.draw(count)
        return Reference(
            images=count,
            classes=dict(zip(CLASSES, counts.tolist(), strict=True)),
            confidence=confidence.tolist(),
            pixels={name: values.tolist() for name, values in pixels.items()},
            embedding=describe_embeddings(vectors) if embedded else None,
        )

    def batch(self, count: int, reference: Reference, **changes: float) -> Batch:
        pixels, confidence, counts, vectors = self.draw(count, **changes)
        own = reference.embedding
        places = own and place(vectors, np.array(own.mean), own.scale, np.array(own.axes))
        return Batch(pixels, confidence, counts, places, unreadable=3)


def run(seed: int, **changes: float):
    world = World(seed)
    reference = world.reference(120)
    batch = world.batch(90, reference, **changes)
    return compare_batch(reference, batch, CLASSES, 0.05, seed), batch, reference


@pytest.fixture
def few_permutations(monkeypatch):
    monkeypatch.setattr(module, "PERMUTATIONS", 499)


def test_false_alarms_are_as_rare_as_promised(few_permutations):
    found = [run(seed)[0] for seed in range(60)]
    alarms = sum(table["drift"].any() for table in found)
    assert alarms <= 7  # 3 are to be expected; 8 or more have a probability of 1.3 %
    each = np.mean([table["p"] < 0.05 for table in found])
    assert 0.02 < each < 0.08  # the single tests keep their level too, and are not merely blind


@pytest.mark.parametrize(
    ("changes", "drifted"),
    [
        ({"bright": 0.1}, {"brightness", "contrast"}),
        ({"bee": 0.9}, {"class shares"}),
        ({"moved": 20.0}, {"embedding"}),
    ],
)
def test_what_drifted_is_named(changes, drifted):
    table, _, _ = run(1, **changes)
    found = set(table["what"][table["drift"]])
    assert drifted <= found
    others = {"brightness", "class shares", "confidence"} - drifted
    assert not others & found


def test_each_number_is_tested_once_and_the_answer_repeats(few_permutations):
    table, batch, reference = run(2)
    axes = [f"embedding axis {number}" for number in range(1, 17)]
    values = ["brightness", "contrast", "confidence", *axes, "off the embedding axes"]
    assert table["what"].tolist() == ["class shares", "share of a class", "embedding", *values]
    assert (table["p_corrected"] >= table["p"]).all()
    again = compare_batch(reference, batch, CLASSES, 0.05, 2)
    assert again.equals(table)


def test_a_model_without_embeddings_is_compared_by_the_rest(few_permutations):
    world = World(0)
    reference = world.reference(40, embedded=False)
    batch = world.batch(30, reference)
    table = compare_batch(reference, batch, CLASSES, 0.05, 0)
    assert table["what"].tolist() == ["class shares", "share of a class", "brightness", "contrast", "confidence"]
    assert draw(table, batch, reference, CLASSES).axes


@pytest.mark.parametrize(("kept", "new", "told"), [(30, 90, "evaluate.map"), (120, 19, "19 images can be read")])
def test_too_few_images_are_refused(kept, new, told):
    world = World(0)
    reference = world.reference(kept)
    with pytest.raises(SightlineError, match=told):
        compare_batch(reference, world.batch(new, reference), CLASSES, 0.05, 0)


def test_what_is_told(few_permutations):
    table, batch, reference = run(3, bright=0.3)
    lines = describe(table, len(batch), batch.unreadable, reference.images).splitlines()
    assert lines[0] == "90 images, 3 other files, against 120 test images"
    assert lines[-1] == "drift: brightness, contrast"
    assert sum(line.startswith("embedding axis") for line in lines) == 1
    told = to_json(table, batch, reference, CLASSES, 0.05)
    assert told["drift"] is True
    assert told["tests"]["brightness"]["shift"] == pytest.approx(3, abs=0.5)
    assert "by_chance" not in told["tests"]["brightness"]
    assert told["tests"]["embedding"]["by_chance"] > 0
    assert told["classes"]["ant"]["batch"] + told["classes"]["bee"]["batch"] == pytest.approx(1)
