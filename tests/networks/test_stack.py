import numpy as np
import onnxruntime
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.images.decode import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec, write_weights
from sightline.networks.stack import LEAST, Stack, assign_parts, combine, load_stack, load_stacks

FIRST, SECOND = torch.tensor([[0.8, 0.2]]).log(), torch.tensor([[0.5, 0.5]]).log()
SIDE_BY_SIDE = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])  # adds the two networks' log-probabilities


def test_a_stack_of_two_by_hand():
    stack = Stack(["a", "b"], SIDE_BY_SIDE, torch.tensor([0.0, 0.0]))
    assert stack([FIRST, SECOND]).exp()[0].tolist() == pytest.approx([0.8, 0.2])  # the second is undecided
    assert stack([FIRST, FIRST]).exp()[0].tolist() == pytest.approx([0.64 / 0.68, 0.04 / 0.68])
    shifted = Stack(["a", "b"], SIDE_BY_SIDE, torch.tensor([0.0, 4.0]).log().clamp(min=0))
    assert shifted([FIRST, SECOND]).exp()[0].tolist() == pytest.approx([0.5, 0.5])  # 4 times as likely as it says


def test_the_folds_of_an_architecture_enter_by_their_mean_probability():
    weight = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    folds = Stack(["a", "b", "a"], weight, torch.zeros(2))
    found = folds([FIRST, SECOND, torch.tensor([[0.4, 0.6]]).log()])
    expected = Stack(["a", "b"], weight, torch.zeros(2))([torch.tensor([[0.6, 0.4]]).log(), SECOND])
    assert found[0].tolist() == pytest.approx(expected[0].tolist())


def test_a_class_that_is_ruled_out_counts_as_improbable_only():
    stack = Stack(["a", "b"], SIDE_BY_SIDE, torch.zeros(2))
    impossible = torch.tensor([[0.0, -200.0]])
    assert stack([impossible, SECOND]).exp()[0, 1].item() == pytest.approx(LEAST, rel=1e-3)


def test_without_a_stack_probabilities_are_averaged():
    assert torch.equal(combine([FIRST, SECOND], None), mean_log_probabilities([FIRST, SECOND]))


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
    assert load_stack(tmp_path, spec_of(["a", "b"], None)) is None
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
    program = torch.onnx.export(
        model, (pixels[:2],), dynamo=True, opset_version=20, input_names=["pixels"], verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    found = np.exp(session.run(None, {"pixels": pixels.numpy()})[0])
    assert found == pytest.approx(model(pixels).exp().detach().numpy(), abs=1e-5)
    averaged = Decider(members, calibration).eval()(pixels).exp().detach().numpy()
    assert np.abs(found - averaged).max() > 0.01
