import numpy as np
import onnxruntime
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.deployment.graph import settle
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec, write_weights
from sightline.networks.stack import LEAST, Mean, Stack, assign_parts, combine, load_stack, load_stacks, pool_folds
from sightline.networks.temperature import fit_temperature
from sightline.scoring.metrics.calibration_error import expected_calibration_error, reliability_table

FIRST, SECOND = torch.tensor([[0.8, 0.2]]).log(), torch.tensor([[0.5, 0.5]]).log()
SIDE_BY_SIDE = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])  # adds the two networks' log-probabilities


def test_a_stack_of_two_by_hand():
    stack = Stack(["a", "b"], SIDE_BY_SIDE, torch.tensor([0.0, 0.0]))
    assert stack([FIRST, SECOND]).exp()[0].tolist() == pytest.approx([0.8, 0.2])  # the second is undecided
    assert stack([FIRST, FIRST]).exp()[0].tolist() == pytest.approx([0.64 / 0.68, 0.04 / 0.68])
    shifted = Stack(["a", "b"], SIDE_BY_SIDE, torch.tensor([0.0, 4.0]).log().clamp(min=0))
    assert shifted([FIRST, SECOND]).exp()[0].tolist() == pytest.approx([0.5, 0.5])  # 4 times as likely as it says


def test_the_folds_of_an_architecture_enter_pooled():
    weight = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    folds = Stack(["a", "b", "a"], weight, torch.zeros(2))
    found = folds([FIRST, SECOND, torch.tensor([[0.4, 0.6]]).log()])
    pooled = torch.tensor([[0.32, 0.12]]).sqrt()  # 0.8 x 0.4 and 0.2 x 0.6; the softmax makes them add up to 1
    expected = Stack(["a", "b"], weight, torch.zeros(2))([(pooled / pooled.sum()).log(), SECOND])
    assert found[0].tolist() == pytest.approx(expected[0].tolist())


def test_a_class_that_is_ruled_out_counts_as_improbable_only():
    stack = Stack(["a", "b"], SIDE_BY_SIDE, torch.zeros(2))
    impossible = torch.tensor([[0.0, -200.0]])
    assert stack([impossible, SECOND]).exp()[0, 1].item() == pytest.approx(LEAST, rel=1e-3)


def test_without_a_stack_probabilities_are_averaged():
    assert torch.equal(combine([FIRST, SECOND], None), mean_log_probabilities([FIRST, SECOND]))


def test_folds_are_pooled_before_architectures_are_averaged():
    named = [("a", 0), ("b", 0), ("a", 1)]
    members = [Member(architecture=name, file="a.safetensors", fold=fold) for name, fold in named]
    found = Mean(members)([FIRST, SECOND, torch.tensor([[0.4, 0.6]]).log()])
    pooled = np.sqrt(0.32) / (np.sqrt(0.32) + np.sqrt(0.12))
    assert found.exp()[0].tolist() == pytest.approx([(pooled + 0.5) / 2, (1.5 - pooled) / 2])


def test_one_temperature_for_the_pool_is_one_for_each_fold():
    pooled = (pool_folds([FIRST, SECOND]) / 0.5).softmax(dim=1)
    each = pool_folds([FIRST / 0.5, SECOND / 0.5]).exp()
    assert pooled[0].tolist() == pytest.approx(each[0].tolist())


def test_a_class_that_one_fold_rules_out_stays_possible():
    assert pool_folds([torch.tensor([[0.0, -1e4]]), torch.tensor([[0.0, 0.0]])]).exp()[0, 1].item() > 1e-7


def simulate_folds(images: int, folds: int, classes: int = 5) -> tuple[list[torch.Tensor], np.ndarray, np.ndarray]:
    """Return logits of members that see the truth behind noise of their own, labels, and who left each image out."""
    stream = np.random.default_rng(0)
    truth = stream.normal(size=(images, classes)) * 2
    labels = (truth + stream.gumbel(size=truth.shape)).argmax(axis=1)
    logits = [2 * (truth + 1.5 * stream.normal(size=truth.shape)) for _ in range(folds)]
    return [torch.from_numpy(scores) for scores in logits], labels, np.arange(images) % folds


def test_the_temperature_of_single_folds_suits_their_pool_better_than_their_mean():
    logits, labels, fold = simulate_folds(images=20000, folds=5)
    single = torch.stack(logits)[torch.from_numpy(fold), torch.arange(len(labels))].numpy()
    temperature = fit_temperature(single[:10000], labels[:10000])
    errors = {}
    for combine_folds in (pool_folds, mean_log_probabilities):
        probabilities = (combine_folds(logits) / temperature).softmax(dim=1).numpy()[10000:]
        table = reliability_table(probabilities, labels[10000:], bins=15)
        errors[combine_folds] = expected_calibration_error(table)
        assert table["accuracy"] @ table["count"] > table["confidence"] @ table["count"]  # both are not sure enough
    assert errors[pool_folds] < 0.6 * errors[mean_log_probabilities]


def test_parts_are_folds_or_go_round_within_each_class():
    labels = np.array([0, 0, 1, 0, 0, 1, 0, 0], dtype=np.int32)
    assert assign_parts(labels, 3).tolist() == [3] * 8
    for none in (None, -1):
        assert assign_parts(labels, none).tolist() == [0, 1, 0, 2, 3, 1, 4, 0]


def spec_of(architectures: list[str], stack: str | None) -> ModelSpec:
    return ModelSpec(
        classes=["x", "y"],
        preprocessing=Preprocessing(image_size=16, fit="crop", resample="box", background=[0, 0, 0]),
        input_size=16,
        mean=[0.5] * 3,
        std=[0.25] * 3,
        members=[Member(architecture=name, file="a.safetensors", fold=None) for name in architectures],
        stack=stack,
    )


def test_each_held_out_image_is_scored_by_the_stack_of_its_part(tmp_path):
    weights = torch.stack([SIDE_BY_SIDE, 0 * SIDE_BY_SIDE, -SIDE_BY_SIDE])  # all images, without part 0, without 1
    write_weights(tmp_path / "stack.safetensors", {"weight": weights, "bias": torch.zeros(3, 2)})
    stacks = load_stacks(tmp_path, spec_of(["a", "b"], "stack.safetensors"))
    found = stacks.score_held_out([FIRST.repeat(3, 1), SECOND.repeat(3, 1)], np.array([1, 0, 1]))
    assert found.exp()[:, 0].tolist() == pytest.approx([0.2, 0.5, 0.2])
    assert stacks.whole([FIRST, SECOND]).exp()[0, 0].item() == pytest.approx(0.8)


def test_a_stack_that_is_missing_or_of_other_members_is_refused(tmp_path):
    assert load_stack(tmp_path, spec_of(["a", "b"], None))([FIRST, SECOND]).exp()[0, 0].item() == pytest.approx(0.65)
    with pytest.raises(SightlineError, match=r"stack\.safetensors: not found: `dvc repro` trains it"):
        load_stack(tmp_path, spec_of(["a", "b"], "stack.safetensors"))
    write_weights(tmp_path / "stack.safetensors", {"weight": SIDE_BY_SIDE[None], "bias": torch.zeros(1, 2)})
    with pytest.raises(SightlineError, match=r"not fitted to the members in model\.json: run `dvc repro train`"):
        load_stack(tmp_path, spec_of(["a"], "stack.safetensors"))


def test_the_onnx_graph_holds_the_stack():
    torch.manual_seed(0)
    names, calibration = (
        ["simple_cnn", "cnn", "simple_cnn"],
        Calibration(method="temperature", temperature=0.7, images=1),
    )
    networks = [build_network(name, 3, 16, pretrained=False) for name in names]
    members = [Classifier(network, [0.5] * 3, [0.25] * 3, 16) for network in networks]
    stack = Stack(names, torch.randn(3, 6), torch.randn(3))
    model = Decider(members, calibration, stack).eval()
    pixels = torch.randint(0, 256, (7, 16, 16, 3), dtype=torch.uint8)
    settle(model)
    program = torch.onnx.export(
        model, (pixels[:2],), dynamo=True, opset_version=20, input_names=["pixels"], verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    found = np.exp(session.run(None, {"pixels": pixels.numpy()})[0])
    assert found == pytest.approx(model(pixels).exp().detach().numpy(), abs=1e-5)
    averaged = Decider(members, calibration).eval()(pixels).exp().detach().numpy()
    assert np.abs(found - averaged).max() > 0.01
