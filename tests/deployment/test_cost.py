import numpy as np
import pytest
import torch
from onnx import TensorProto, checker, helper
from torch import nn

from sightline.deployment.cost import count_compressed, count_flops, count_parameters, peak_activation_bytes
from sightline.deployment.prune import describe_pruning, prune_smallest
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3, padding=1)
        self.linear = nn.Linear(4, 2)

    def forward(self, images):
        return self.linear(self.conv(images).mean(dim=(2, 3)))


def small_decider(members: int) -> Decider:
    torch.manual_seed(0)
    found = [Classifier(Small(), [0.0] * 3, [1.0] * 3, 8) for _ in range(members)]
    return Decider(found, Calibration(method="none", temperature=1.0, images=0)).eval()


def test_operations_by_hand():
    one = 2 * (8 * 8 * 4 * 27 + 4 * 2)  # of multiplications and additions
    assert count_flops(small_decider(1), 8) == one
    assert count_flops(small_decider(3), 8) == 3 * one
    assert count_parameters(small_decider(3)) == 3 * (4 * 27 + 4 + 4 * 2 + 2)


def graph_of(nodes: list, shape: list) -> bytes:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", *shape])
    out = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", *shape])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [pixels], [out]), opset_imports=[helper.make_opsetid("", 20)]
    )
    checker.check_model(model)
    return model.SerializeToString()


def test_peak_memory_by_hand():
    chain = [
        helper.make_node("Relu", ["pixels"], ["a"]),
        helper.make_node("Abs", ["a"], ["b"]),
        helper.make_node("Neg", ["b"], ["probabilities"]),
    ]
    assert peak_activation_bytes(graph_of(chain, [10])) == 2 * 40  # what is read and what is written
    residual = [*chain[:2], helper.make_node("Add", ["b", "pixels"], ["probabilities"])]
    assert peak_activation_bytes(graph_of(residual, [10])) == 3 * 40  # the input waits for the last node


def test_unknown_shapes_are_left_out():
    nodes = [
        helper.make_node("NonZero", ["pixels"], ["places"]),
        helper.make_node("Cast", ["places"], ["probabilities"], to=TensorProto.FLOAT),
    ]
    assert peak_activation_bytes(graph_of(nodes, [10])) is None


def test_pruning_removes_the_smallest_of_each_member():
    decider = small_decider(2)
    pruned = prune_smallest(decider, 0.25)
    for before, after in zip(decider.members, pruned.members, strict=True):
        old = torch.cat(
            [before.classifier.network.conv.weight.flatten(), before.classifier.network.linear.weight.flatten()]
        ).detach()
        new = torch.cat(
            [after.classifier.network.conv.weight.flatten(), after.classifier.network.linear.weight.flatten()]
        ).detach()
        gone = new == 0
        assert gone.sum() == round(0.25 * len(old))
        assert old[gone].abs().max() <= old[~gone].abs().min()
        torch.testing.assert_close(new[~gone], old[~gone])
    assert set(pruned.state_dict()) == set(decider.state_dict())  # no masks are left


@pytest.mark.parametrize(("allowed", "kept"), [(0.5, True), (0.4, False)])
def test_pruning_is_kept_inside_the_allowed_drop(allowed, kept):
    right, wrong = np.eye(2), np.eye(2)[[1, 1]]
    assert describe_pruning(0.3, right, wrong, np.array([0, 1]), allowed) == {
        "share": 0.3,
        "kept": kept,
        "accuracy_before": 1.0,
        "accuracy_after": 0.5,
    }


def test_zeros_compress():
    assert count_compressed(bytes(10_000)) < 100
