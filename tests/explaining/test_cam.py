import captum.attr
import numpy as np
import pytest
import timm
import torch
from torch import nn

from sightline.explaining.cam import TargetLayer, explain, find_target_layer, grad_cam, scale_to_one
from sightline.networks.classifier import Classifier
from sightline.networks.simple_cnn import SimpleCNN

SIZE = 64
TINY_SWIN = {
    "img_size": SIZE,
    "patch_size": 4,
    "window_size": 4,
    "embed_dim": 24,
    "depths": (1, 1),
    "num_heads": (2, 2),
}
TINY_VIT = {"img_size": SIZE, "embed_dim": 32, "depth": 2, "num_heads": 2}
NETWORKS = {  # timm's name, its arguments, the layer that is right for SIZE px, positions a side
    "resnet": ("test_resnet", {}, "layer3", 4),
    "efficientnet": ("test_efficientnet", {}, "blocks.3", 4),
    "convnext": ("test_convnext", {}, "stages.2", 4),
    "vit, class token": ("vit_tiny_patch16_224", TINY_VIT, "blocks.1.norm1", 4),
    "vit, average of patches": ("vit_tiny_patch16_224", TINY_VIT | {"global_pool": "avg"}, "blocks.1", 4),
    "vit, registers": ("vit_tiny_patch16_224", TINY_VIT | {"reg_tokens": 5}, "blocks.1.norm1", 4),
    "swin, channels last": ("swin_tiny_patch4_window7_224", TINY_SWIN, "layers.1", 8),
}


def classifier(network: nn.Module, size: int = SIZE) -> Classifier:
    return Classifier(network, mean=[0.0] * 3, std=[1.0] * 3, input_size=size).eval()


def noise(count: int, size: int = SIZE) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=stream)


class TwoChannels(nn.Module):
    """Logit k is a weighted sum of the spatial means of red and green."""

    def __init__(self, weights: list[list[float]]):
        super().__init__()
        self.feature_info = [{"module": "features", "num_chs": 3}]
        self.features = nn.Identity()
        self.weights = torch.tensor(weights)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images).mean(dim=(2, 3)) @ self.weights.T


def test_map_by_hand():
    pixels = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    pixels[0, 0, 0] = torch.tensor([255, 0, 255])
    pixels[0, 0, 1] = torch.tensor([255, 255, 0])
    pixels[0, 1, 1] = torch.tensor([0, 255, 0])
    model = classifier(TwoChannels([[2.0, -1.0, 0.0], [-4.0, 8.0, 0.0]]), size=2)
    layer = find_target_layer(model)
    # d logit / d position = weight / 4 positions; class 0: red 0.5, green -0.25; class 1: red -1, green 2
    expected = {0: [[0.5, 0.25], [0.0, 0.0]], 1: [[0.0, 1.0], [0.0, 2.0]]}
    for chosen, values in expected.items():
        found = grad_cam(model, layer, pixels, torch.tensor([chosen]))
        torch.testing.assert_close(found, torch.tensor([values]))


@pytest.mark.parametrize("case", ["own", "resnet"])
def test_agrees_with_captum(case):
    torch.manual_seed(1)
    name, options, *_ = NETWORKS["resnet"]
    network = SimpleCNN(4, 0.0) if case == "own" else timm.create_model(name, num_classes=4, **options)
    model, pixels, classes = classifier(network), noise(3), torch.tensor([0, 3, 2])
    layer = find_target_layer(model)
    trusted = captum.attr.LayerGradCam(network, network.get_submodule(layer.name))
    images = model.normalize(model.scale(pixels)).requires_grad_()
    expected = trusted.attribute(images, target=classes, relu_attributions=True).squeeze(1)
    assert expected.max() > 0
    torch.testing.assert_close(grad_cam(model, layer, pixels, classes), expected.detach())


def test_own_network_is_read_before_its_last_pooling():
    model = classifier(SimpleCNN(4, 0.0), size=32)
    layer = find_target_layer(model)
    assert layer.name == "blocks.2.2"
    assert grad_cam(model, layer, noise(2, 32), torch.tensor([0, 1])).shape == (2, 8, 8)


@pytest.mark.parametrize("case", NETWORKS)
def test_families_of_timm(case):
    name, options, layer_name, side = NETWORKS[case]
    torch.manual_seed(0)
    model = classifier(timm.create_model(name, num_classes=4, **options))
    model.requires_grad_(False)  # as with a frozen backbone
    layer = find_target_layer(model)
    assert layer.name == layer_name
    maps = torch.stack([grad_cam(model, layer, noise(2), torch.full((2,), chosen)) for chosen in range(4)])
    assert maps.shape == (4, 2, side, side)
    assert torch.isfinite(maps).all()
    assert (maps.amax(dim=(0, 2, 3)) > 0).all()  # untrained, so the evidence may all speak against single classes
    assert all(parameter.grad is None for parameter in model.parameters())


def test_last_patch_tokens_tell_nothing_where_the_class_token_answers():
    name, options, *_ = NETWORKS["vit, class token"]
    torch.manual_seed(0)
    model = classifier(timm.create_model(name, num_classes=4, **options))
    layer = find_target_layer(model)
    after_the_block = TargetLayer(layer.name.removesuffix(".norm1"), layer.to_grid)
    assert after_the_block.name == "blocks.1"
    assert grad_cam(model, after_the_block, noise(2), torch.tensor([0, 1])).abs().max() == 0


def test_positions_are_not_mixed_up():
    """Tokens and channels-last features come back as the grid that they were made from."""
    for name, options in (NETWORKS["vit, registers"][:2], NETWORKS["swin, channels last"][:2]):
        torch.manual_seed(0)
        model = classifier(timm.create_model(name, num_classes=4, **options))
        layer = find_target_layer(model)
        features = {}
        module = model.network.get_submodule(layer.name)
        pixels = torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8)
        pixels[1, 40:56, 8:24] = 255
        with module.register_forward_hook(lambda *seen, kept=features: kept.update(output=seen[2])), torch.no_grad():
            model(pixels)
        black, changed = layer.to_grid(features["output"])
        distance = (changed - black).norm(dim=0).numpy()
        row, column = np.unravel_index(distance.argmax(), distance.shape)
        scale = SIZE / len(distance)
        assert 32 <= row * scale < 64
        assert column * scale < 32


def train_on_squares(network: nn.Module) -> Classifier:
    model = classifier(network, size=32)  # in evaluation mode: so few steps would not settle batch norm's means
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(40):
        pixels, labels = squares(64, seed=step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pixels), labels).backward()
        optimizer.step()
    return model


def squares(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a red square on the left in class 1, none in class 0, and a green one on the right in both."""
    stream = np.random.default_rng(seed)
    pixels = stream.integers(0, 60, (count, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(count) % 2
    for image, label in zip(pixels, labels, strict=True):
        for left, channel, height in ((4, 0, 180 * label), (20, 1, 180)):
            top = 8 * stream.integers(0, 4)
            image[top : top + 8, left : left + 8, channel] += np.uint8(height)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


@pytest.mark.parametrize("family", ["own", "vit, average of patches"])
def test_points_at_what_decides(family):
    torch.manual_seed(0)
    if family == "own":
        network = SimpleCNN(2, 0.0)
    else:
        name, options, *_ = NETWORKS[family]
        network = timm.create_model(name, num_classes=2, **(options | {"img_size": 32, "patch_size": 8, "depth": 1}))
    model = train_on_squares(network)
    pixels, labels = squares(40, seed=1000)
    assert (model(pixels).argmax(dim=1) == labels).float().mean() > 0.9
    layer = find_target_layer(model)
    maps = [explain([model], [layer], image.unsqueeze(0), 1, 32) for image in pixels[labels == 1]]
    on_the_left = np.mean([heat[:, :16].sum() / heat.sum() for heat in maps])
    assert on_the_left > 0.7  # half of it, were the map to point at random


def test_ensemble_is_the_mean_of_scaled_maps():
    pixels = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    pixels[0, 0, 0, 0], pixels[0, 1, 1, 1] = 255, 255
    red, green = classifier(TwoChannels([[4.0, 0, 0]]), 2), classifier(TwoChannels([[0, 1.0, 0]]), 2)
    layer = find_target_layer(red)
    found = explain([red, green, green], [layer] * 3, pixels, predicted=0, side=2)
    np.testing.assert_allclose(found, [[0.5, 0.0], [0.0, 1.0]])


def test_maps_that_point_nowhere_become_zero():
    maps = torch.tensor([[[3.0, 3.0]], [[0.0, 0.0]], [[float("nan"), 1.0]], [[float("inf"), 1.0]], [[1.0, 4.0]]])
    assert scale_to_one(maps).tolist() == [[[0, 0]], [[0, 0]], [[0, 0]], [[0, 0]], [[0.25, 1.0]]]


@pytest.mark.parametrize(
    "info", [None, [], [{"module": "elsewhere", "num_chs": 3}], [{"module": "head", "num_chs": 4}]]
)
def test_networks_without_a_grid(info):
    network = nn.Sequential()
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flat", nn.Flatten())
    network.add_module("head", nn.Linear(3, 4))
    network.feature_info = info
    assert find_target_layer(classifier(network)) is None


def test_layer_names_its_module():
    layer = find_target_layer(classifier(TwoChannels([[1.0, 0, 0]]), 4))
    assert isinstance(layer, TargetLayer)
    assert layer.name == "features"
