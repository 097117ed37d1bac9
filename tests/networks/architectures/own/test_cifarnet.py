import numpy as np
import pytest
import torch
from torch.nn import functional

from sightline.networks.architectures.own.cifarnet import AT_ONCE, FLOOR, CifarNet, Whitening, patch_covariance


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth noise, [300, 3, 8, 8], whose channels resemble each other, as in photographs."""
    torch.manual_seed(0)
    rough = torch.randn(300, 3, 8, 8) + 2 * torch.randn(300, 1, 8, 8)
    return functional.avg_pool2d(rough, 3, stride=1, padding=1, count_include_pad=False)


def patches_of(images: torch.Tensor) -> np.ndarray:
    """Cut all 2x2 patches out, one by one: [patches, 12]."""
    values = images.numpy().astype(np.float64)
    corners = range(images.shape[2] - 1)
    return np.array([i[:, y : y + 2, x : x + 2].ravel() for i in values for y in corners for x in corners])


def test_covariance_of_patches(images):
    assert len(images) > AT_ONCE  # so that parts are added up
    expected = np.cov(patches_of(images), rowvar=False, bias=True)
    np.testing.assert_allclose(patch_covariance(images).numpy(), expected, atol=1e-12)


def test_whitened_patches_are_uncorrelated_with_variance_one(images):
    whitening = Whitening()
    whitening.fit(images)
    raw = functional.conv2d(images, whitening.weight).double().transpose(0, 1).flatten(1)
    covariance = torch.cov(raw[:12], correction=0).numpy()
    variances = np.linalg.eigvalsh(np.cov(patches_of(images), rowvar=False, bias=True))
    np.testing.assert_allclose(covariance, np.diag(variances / (variances + FLOOR)), atol=1e-4)
    assert variances.min() > 10 * FLOOR  # hence all of them are near 1
    torch.testing.assert_close(raw[12:], -raw[:12])


def test_filters_are_not_trained_but_saved(images):
    network = CifarNet(3, 0.0)
    network.initialize_from(images)
    assert "blocks.0.weight" not in dict(network.named_parameters())
    other = CifarNet(3, 0.0)
    assert not torch.equal(other.blocks[0].weight, network.blocks[0].weight)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.blocks[0].weight, network.blocks[0].weight)


def test_initialization_is_the_same_each_time(images):
    weights = []
    for _ in range(2):
        network = CifarNet(3, 0.0)
        network.initialize_from(images)
        weights.append(network.blocks[0].weight)
    assert torch.equal(*weights)


def test_images_of_one_color_give_finite_filters():
    whitening = Whitening()
    whitening.fit(torch.full((4, 3, 8, 8), 0.7))
    assert torch.isfinite(whitening.weight).all()


def test_untouched_filters_hand_on_pixels(images):
    maps = Whitening()(images)
    torch.testing.assert_close(maps[:, 0], functional.gelu(images[:, 0, :-1, :-1]))
    torch.testing.assert_close(maps[:, 23], functional.gelu(-images[:, 2, 1:, 1:]))


def test_first_filters_hand_on_their_input():
    torch.manual_seed(0)
    convolution = CifarNet(3, 0.0).blocks[1][0]
    maps = torch.randn(2, 24, 6, 6)
    torch.testing.assert_close(convolution(maps)[:, :24], maps)


def test_logits_are_a_ninth_of_what_the_head_gives():
    network = CifarNet(2, 0.0)
    torch.nn.init.constant_(network.head.weight, 0.5)
    torch.nn.init.constant_(network.head.bias, 1.0)
    features = torch.zeros(1, 256, 3, 3)
    features[:, :4, 1, 2] = 4.0  # the maxima of four channels: 0.5 * 16 + 1 = 9
    torch.testing.assert_close(network.forward_head(features), torch.ones(1, 2))


def test_only_scales_of_norms_are_frozen():
    network = CifarNet(3, 0.0)
    frozen = {name: value for name, value in network.named_parameters() if not value.requires_grad}
    norms = [name for name, module in network.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert list(frozen) == [f"{name}.weight" for name in norms]
    assert len(norms) == 6
    assert all((scale == 1).all() for scale in frozen.values())
