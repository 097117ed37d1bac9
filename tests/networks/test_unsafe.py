import pytest
import timm
import torch
from torch import nn

from sightline.networks.classifier import Classifier
from sightline.networks.memory import measure_image
from sightline.networks.unsafe import find_unsafe_layer


def strided(channels, **changes):
    return nn.Conv2d(channels, 8, **({"kernel_size": 1, "stride": 2} | changes))


@pytest.mark.parametrize(
    "layer",
    [
        strided(3),
        strided(1),
        strided(15),
        strided(3, stride=(1, 4)),
        strided(3, padding="valid", bias=False),
    ],
)
def test_a_strided_1_x_1_convolution_of_few_channels_is_unsafe(layer):
    assert find_unsafe_layer(nn.Sequential(nn.ReLU(), layer)).startswith("1 (1 x 1, stride ")


@pytest.mark.parametrize(
    "layer",
    [
        strided(16),
        strided(3, stride=1),
        strided(3, kernel_size=3),
        strided(3, kernel_size=(1, 3)),
        strided(3, padding=1),
        strided(8, groups=8),
        strided(8, groups=2),
    ],
)
def test_all_others_are_not(layer):
    assert find_unsafe_layer(layer) == ""


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("fastvit_t8", "stem.0.conv_scale.conv (1 x 1, stride 2, 3 channels in)"),
        ("repvgg_a0", "stem.conv_1x1.conv (1 x 1, stride 2, 3 channels in)"),
        ("resnet18", ""),
    ],
)
def test_networks_that_hold_one(name, layer):
    with torch.device("meta"):
        assert find_unsafe_layer(timm.create_model(name)) == layer


class Noting(nn.Conv2d):
    """Such a layer, which notes the layout of what it gets."""

    def __init__(self):
        super().__init__(3, 8, 1, 2)
        self.plain = []

    def forward(self, images):
        self.plain.append(images.is_contiguous())
        return super().forward(images)


def test_measuring_memory_with_gradients_keeps_to_the_plain_layout_there():
    """Stored pixels are channels_last."""
    layer = Noting()
    network = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = Classifier(network, [0.5] * 3, [0.5] * 3, 64)
    measure_image(classifier, 64, backward=True)
    network(torch.zeros(1, 64, 64, 3).permute(0, 3, 1, 2))
    assert layer.plain == [True, False]  # the hook is gone
