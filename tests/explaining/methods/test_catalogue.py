from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from torch import nn

from sightline.explaining.methods.catalogue import METHODS, explain, explain_each, scale_to_one, select_methods
from sightline.explaining.methods.subject import Subject
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import NETWORKS, SETTINGS, TINY_VIT, VIT, Channels, Weighted, noise, subject

UNFIT = {  # methods that do not suit a network; all others do
    "resnet": {"attention", "attention_rollout"},
    "vit, class token": set(),
    "vit, mean pool": set(),
    "deit": set(),
    "swin": {"attention", "attention_rollout"},
    "mixer": {"attention", "attention_rollout"},
}


@pytest.mark.parametrize("case", UNFIT)
def test_every_method_gives_maps_or_says_why_not(case):
    torch.manual_seed(0)
    subjects = [subject(NETWORKS[case][0]().requires_grad_(False))]
    fit, notes = select_methods(list(METHODS), subjects)
    assert set(METHODS) - set(fit) == UNFIT[case]
    assert len(notes) == len(UNFIT[case])
    for name in fit:
        if name == "scorecam" and case == "resnet":
            continue  # a pass for each of many channels
        maps = explain(name, subjects, noise(1).expand(4, -1, -1, -1), torch.arange(4), SETTINGS)
        assert maps.shape == (4, 64, 64)
        assert np.isfinite(maps).all(), name
        assert maps.max() == pytest.approx(1), name
        assert maps.min() >= 0, name


def test_networks_without_layers_or_gradients_are_explained_by_hiding():
    network = Weighted([[0.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 8.0]])
    network.has_gradients = False
    subjects = [subject(network, 4)]
    fit, notes = select_methods(["gradcam", "scorecam", "saliency", "attention", "occlusion", "lime"], subjects)
    assert fit == ["occlusion", "lime"]
    assert notes == [
        "gradcam does not apply to here: no layer of it is known to lie on a grid over the image",
        "scorecam does not apply to here: no layer of it is known to lie on a grid over the image",
        "saliency does not apply to here: its scores have no gradient with respect to the image",
        "attention does not apply to here: it has no attention between patches",
    ]
    (heat,) = explain("occlusion", subjects, torch.ones(1, 3, 4, 4), torch.tensor([0]), SETTINGS)
    assert np.unravel_index(heat.argmax(), heat.shape) == (3, 3)


def test_one_unfit_member_leaves_a_method_out():
    with_layer, without = subject(Channels([[1.0, 0, 0]]), 2), subject(Weighted([[1.0, 1], [1, 1]]), 2)
    assert select_methods(["gradcam"], [with_layer, with_layer])[0] == ["gradcam"]
    assert select_methods(["gradcam"], [with_layer, without])[0] == []


def test_ensemble_is_the_mean_of_scaled_maps():
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0, 0, 0], image[0, 1, 1, 1] = 1, 1
    red, green = subject(Channels([[4.0, 0, 0]]), 2), subject(Channels([[0, 1.0, 0]]), 2)
    (found,) = explain("gradcam", [red, green, green], image, torch.tensor([0]), SETTINGS)
    np.testing.assert_allclose(found, [[0.5, 0.0], [0.0, 1.0]])


def test_maps_that_point_nowhere_become_zero():
    maps = torch.tensor([[[3.0, 3.0]], [[0.0, 0.0]], [[float("nan"), 1.0]], [[float("inf"), 1.0]], [[1.0, 4.0]]])
    assert scale_to_one(maps).tolist() == [[[0, 0]], [[0, 0]], [[0, 0]], [[0, 0]], [[0.25, 1.0]]]


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.several])
def test_images_of_one_pass_do_not_change_each_others_maps(name):
    torch.manual_seed(0)
    seen = subject(NETWORKS["vit, class token"][0]())
    questions = list(zip(noise(3).split(1), [2, 0, 3], strict=True))
    together = np.stack(list(explain_each(name, [seen], questions, SETTINGS)))
    alone = np.stack(list(explain_each(name, [replace(seen, followed_at_once=1)], questions, SETTINGS)))
    assert seen.followed_at_once >= 3
    np.testing.assert_allclose(together, alone, atol=1e-5)


def train_on_squares(network: nn.Module) -> Subject:
    seen = subject(network, size=32)  # in evaluation mode: so few steps would not settle batch norm's means
    seen.classifier.requires_grad_()
    optimizer = torch.optim.AdamW(seen.classifier.parameters(), lr=3e-3)
    for step in range(25):
        images, labels = squares(48, seed=step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(seen.logits(images), labels).backward()
        optimizer.step()
    return seen


def squares(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a red square on the left in class 1, none in class 0, and a green one on the right in both."""
    stream = np.random.default_rng(seed)
    pixels = stream.integers(0, 60, (count, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(count) % 2
    for image, label in zip(pixels, labels, strict=True):
        for left, channel, height in ((4, 0, 180 * label), (20, 1, 180)):
            top = 8 * stream.integers(0, 4)
            image[channel, top : top + 8, left : left + 8] += np.uint8(height)
    return torch.from_numpy(pixels) / 255, torch.from_numpy(labels)


@pytest.mark.parametrize("family", ["own", "vit"])
def test_points_at_what_decides(family):
    torch.manual_seed(0)
    small = TINY_VIT | {"img_size": 32, "patch_size": 8, "depth": 1, "global_pool": "avg"}
    network = SimpleCNN(2, 0.0) if family == "own" else timm.create_model(VIT, num_classes=2, **small)
    seen = train_on_squares(network)
    images, labels = squares(40, seed=1000)
    assert (seen.logits(images).argmax(dim=1) == labels).float().mean() > 0.9
    for method in ("gradcam", "layercam", "integrated_gradients", "occlusion", "kernel_shap"):
        chosen = ((image, 1) for image in images[labels == 1][:4].split(1))
        maps = list(explain_each(method, [seen], chosen, SETTINGS))
        on_the_left = np.mean([heat[:, :16].sum() / heat.sum() for heat in maps])
        assert on_the_left > 0.7, method  # half of it, were the map to point at random
