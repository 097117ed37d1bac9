import pytest
import torch

import augmentation as benchmark
from sightline.networks.classifier import Classifier
from sightline.training.augmentation.pipeline import Augmentation, mirrored

SETTINGS = benchmark.OFF.model_copy(
    update={
        "crop_scale": [0.2, 0.8],
        "autoaugment_policy": "cifar10",
        "blur_sigma": [0.5, 2.0],
        "erasing_area": [0.1, 0.2],
        "erasing_ratio": [0.5, 2.0],
    }
)


def augment(input_size: int = 16, **changes) -> Augmentation:
    return Augmentation(SETTINGS.model_copy(update=changes), input_size, (0.5, 0.4, 0.3))


SWITCHES = {
    "random_resized_crop": {"random_resized_crop": True},
    "crop": {"crop_padding": 3},
    "horizontal_flip": {"horizontal_flip": 0.5},
    "vertical_flip": {"vertical_flip": 0.5},
    "rotation": {"rotation": 20.0},
    "translation": {"translation": 0.2},
    "shear": {"shear": 15.0},
    "brightness": {"color_jitter": (0.4, 0.0, 0.0, 0.0)},
    "contrast": {"color_jitter": (0.0, 0.4, 0.0, 0.0)},
    "saturation": {"color_jitter": (0.0, 0.0, 0.4, 0.0)},
    "hue": {"color_jitter": (0.0, 0.0, 0.0, 0.2)},
    "grayscale": {"grayscale": 0.5},
    "gaussian_blur": {"gaussian_blur": 1.0},
    "erasing": {"erasing": 1.0},
    "randaugment": {"auto_augment": "randaugment"},
    "trivialaugment": {"auto_augment": "trivialaugment"},
    "autoaugment": {"auto_augment": "autoaugment"},
    "augmix": {"auto_augment": "augmix"},
}


def noise(count: int, side: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


def run(augmentation: Augmentation, pixels: torch.Tensor, seed: int = 0, epoch: int = 0) -> torch.Tensor:
    return augmentation(pixels, torch.Generator().manual_seed(seed), epoch, torch.arange(len(pixels)))


@pytest.mark.parametrize("input_size", [16, 24])
def test_without_augmentation_the_network_sees_what_it_sees_at_evaluation(input_size):
    pixels = noise(4, 16)
    classifier = Classifier(torch.nn.Identity(), [0.0] * 3, [1.0] * 3, input_size)
    torch.testing.assert_close(run(augment(input_size), pixels), classifier.scale(pixels))


@pytest.mark.parametrize("name", SWITCHES)
def test_equal_images_come_out_different_in_range_and_the_same_under_one_seed(name):
    augmentation = augment(**SWITCHES[name])
    pixels = noise(1, 16).expand(32, -1, -1, -1)
    before = pixels.clone()
    images = run(augmentation, pixels)
    assert images.shape == (32, 3, 16, 16) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1
    assert len({image.numpy().tobytes() for image in images}) > (1 if "flip" in name or name == "grayscale" else 5)
    assert torch.equal(images, run(augmentation, pixels))
    assert not torch.equal(images, run(augmentation, pixels, seed=1))
    assert torch.equal(pixels, before)


def test_everything_at_once_leaves_the_global_stream_alone_and_needs_no_nondeterministic_kernel():
    settings = {name: value for switch in SWITCHES.values() for name, value in switch.items()}
    settings |= {"color_jitter": (0.4, 0.4, 0.4, 0.1), "crop_padding": 2}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    torch.set_deterministic_debug_mode("error")
    try:
        images = run(augment(**settings), noise(7, 20))
    finally:
        torch.set_deterministic_debug_mode("default")
    assert images.shape == (7, 3, 16, 16)
    assert torch.equal(torch.rand(3), expected)


def test_larger_images_give_a_window_at_random():
    pixels = noise(1, 20).expand(40, -1, -1, -1)
    images = (run(augment(), pixels) * 255).round().byte().permute(0, 2, 3, 1)
    windows = {
        pixels[0, top : top + 16, left : left + 16].contiguous().numpy().tobytes(): (top, left)
        for top in range(5)
        for left in range(5)
    }
    assert len({windows[image.contiguous().numpy().tobytes()] for image in images}) > 10


def test_alternating_flip_shows_both_sides_in_any_two_epochs():
    pixels = noise(10, 16)
    flipping = augment(alternating_flip=True, horizontal_flip=0.5)
    epochs = [run(flipping, pixels, seed, epoch) for seed, epoch in enumerate(range(4))]
    plain = run(augment(), pixels)
    assert torch.equal(epochs[0], epochs[2]) and torch.equal(epochs[1], epochs[3])
    for index in range(10):
        sides = [torch.equal(epoch[index], plain[index]) for epoch in epochs[:2]]
        assert sorted(sides) == [False, True]
        assert torch.equal(epochs[sides.index(False)][index], plain[index].flip(2))


def test_alternating_flip_halves_any_run_of_images():
    chosen = mirrored(torch.arange(1_000_000), 0)
    assert chosen.double().mean() == pytest.approx(0.5, abs=1e-4)
    assert chosen.view(-1, 100).sum(dim=1).min() >= 45 and chosen.view(-1, 100).sum(dim=1).max() <= 55
