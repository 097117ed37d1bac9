import numpy as np
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.explaining.pictures.features import SHOWN, draw_features, read_features, strongest
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import NETWORKS, PROBED, Channels, noise, subject


def test_maps_are_the_layers_outputs():
    found = read_features(subject(Channels([[1.0, 0, 0]]), 8), ["features"], noise(1, 8))
    torch.testing.assert_close(found["features"], noise(1, 8)[0])


def test_stages_are_the_layers_that_the_network_names():
    found = read_features(subject(SimpleCNN(4, 0.0), 16), ["stages", "blocks.0.0", "head"], noise(1, 16))
    shapes = {name: tuple(maps.shape) for name, maps in found.items()}
    assert shapes == {
        "blocks.0.2": (32, 16, 16),
        "blocks.1.2": (64, 8, 8),
        "blocks.2.2": (128, 4, 4),
        "blocks.0.0": (32, 16, 16),
    }


def test_stages_of_a_network_that_names_none_are_its_target_layer():
    found = read_features(subject(PROBED["twins"][0]()), ["stages"], noise(1))
    assert {name: tuple(maps.shape) for name, maps in found.items()} == {"pos_block.2": (32, 4, 4)}


@pytest.mark.parametrize(
    ("case", "layer", "shape"),
    [("vit, class token", "blocks.0", (32, 4, 4)), ("swin", "layers.0.blocks.0", (24, 16, 16))],
)
def test_tokens_and_channels_last_come_as_grids(case, layer, shape):
    assert read_features(subject(NETWORKS[case][0]()), [layer], noise(1))[layer].shape == shape


def test_unknown_layer():
    with pytest.raises(SightlineError, match=r"^params.yaml: gradcam.feature_maps: here has no layer 'layer9': take"):
        read_features(subject(SimpleCNN(4, 0.0), 16), ["layer9"], noise(1, 16))


def test_strongest_by_hand():
    maps = torch.tensor([1.0, -3.0, 0.0, 3.0])[:, None, None].expand(4, 2, 2)
    assert strongest(maps, 3) == [1, 3, 0]


def test_one_row_a_layer():
    pixels = np.full((32, 32, 3), (7, 8, 9), np.uint8)
    ramp = torch.linspace(0, 1, 64).view(1, 8, 8)
    picture = np.asarray(draw_features("Features", pixels, {"a": ramp, "b": torch.zeros(20, 8, 8)}))
    assert (picture == (7, 8, 9)).all(axis=2).sum() == 2 * 160 * 160
    assert picture.shape[1] == 12 + (SHOWN + 1) * 172
    first = picture[64 : 64 + 160, 12 + 172 : 12 + 172 + 160, 0]
    assert (first[0, 0], first[-1, -1]) == (0, 255)
