import captum.attr
import pytest
import timm
import torch
from torch import nn

from sightline.explaining.methods.cam import grad_cam, grad_cam_plus_plus, layer_cam, score_cam
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import SETTINGS, Channels, noise, subject


def two_by_two() -> torch.Tensor:
    """Red at the upper left and right, green at the upper and lower right, blue at the upper left."""
    images = torch.zeros(1, 3, 2, 2)
    images[0, 0, 0, :] = 1
    images[0, 1, :, 1] = 1
    images[0, 2, 0, 0] = 1
    return images


# d logit / d position = weight / 4 positions; class 0: red 0.5, green -0.25; class 1: red -1, green 2
MODEL = [[2.0, -1.0, 0.0], [-4.0, 8.0, 0.0]]


def explained(method, weights: list[list[float]], chosen: int) -> list[list[float]]:
    return method(subject(Channels(weights), 2), two_by_two(), torch.tensor([chosen]), SETTINGS)[0].tolist()


def test_grad_cam_by_hand():
    assert explained(grad_cam, MODEL, 0) == [[0.5, 0.25], [0.0, 0.0]]
    assert explained(grad_cam, MODEL, 1) == [[0.0, 1.0], [0.0, 2.0]]


def test_grad_cam_plus_plus_by_hand():
    # red: G 0.5, sum of the map 2, share G^2 / (2 G^2 + G^3 2) = 0.25 / (0.5 + 0.25) = 1/3, weight 4 x 1/3 x 0.5;
    # green: G is negative, so its weight is 0
    assert explained(grad_cam_plus_plus, MODEL, 0) == [[pytest.approx(2 / 3)] * 2, [0.0, 0.0]]
    # class 1: green G 2, share 4 / (8 + 8 x 2) = 1/6, weight 4 x 1/6 x 2
    assert explained(grad_cam_plus_plus, MODEL, 1) == [[0.0, pytest.approx(4 / 3)]] * 2


def test_grad_cam_plus_plus_of_maps_with_negative_values():
    images = torch.zeros(1, 3, 2, 2)
    images[0, 0] = torch.tensor([[1.0, 1.0], [-5.0, 0.0]])
    found = grad_cam_plus_plus(subject(Channels([[8.0, 0, 0]]), 2), images, torch.tensor([0]), SETTINGS)
    # G 2; with the sum of all of the map, -3, the divisor 2 G^2 + G^3 (-3) would be -16 and the weight negative;
    # with that of its positive part, 2, the share is 4 / (8 + 16) = 1/6 and the weight 4 x 1/6 x 2
    assert found[0].tolist() == [[pytest.approx(4 / 3)] * 2, [0.0, 0.0]]


def test_layer_cam_by_hand():
    assert explained(layer_cam, MODEL, 0) == [[0.5, 0.5], [0.0, 0.0]]
    assert explained(layer_cam, MODEL, 1) == [[0.0, 2.0], [0.0, 2.0]]


def test_score_cam_by_hand():
    # shown through the map of red: red 2/4, green 1/4, blue 1/4; through green: 1/4, 2/4, 0; through blue: 1/4, 0, 1/4
    logits = torch.tensor([[2 / 4, 1 / 4], [1 / 4, 2 / 4], [1 / 4, 0.0]])
    red, green, blue = logits.softmax(dim=1)[:, 0].softmax(dim=0).tolist()
    expected = [[pytest.approx(red + blue), pytest.approx(red + green)], [0.0, pytest.approx(green)]]
    assert explained(score_cam, [[1.0, 0, 0], [0, 1.0, 0]], 0) == expected


def test_score_cam_leaves_flat_maps_out():
    flat = torch.full((1, 3, 2, 2), 0.5)
    found = score_cam(subject(Channels(MODEL), 2), flat, torch.tensor([0]), SETTINGS)
    assert found.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_no_gradient_no_evidence():
    for method in (grad_cam, grad_cam_plus_plus, layer_cam):
        assert explained(method, [[0.0, 0, 0], [1.0, 0, 0]], 0) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("case", ["own", "resnet"])
def test_agrees_with_captum(case):
    torch.manual_seed(1)
    network: nn.Module = SimpleCNN(4, 0.0) if case == "own" else timm.create_model("test_resnet", num_classes=4)
    seen, images, classes = subject(network), noise(3), torch.tensor([0, 3, 2])
    trusted = captum.attr.LayerGradCam(network, network.get_submodule(seen.layer.name))
    expected = trusted.attribute(images.clone().requires_grad_(), target=classes, relu_attributions=True).squeeze(1)
    assert expected.max() > 0
    torch.testing.assert_close(grad_cam(seen, images, classes, SETTINGS), expected.detach())
