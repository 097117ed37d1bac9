import torch
from torch.nn import functional

from sightline.training.augment import Augmentation, random_crop, random_flip


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_image_is_shifted_over_its_own_reflection():
    images = torch.rand(64, 3, 6, 6)
    cropped = random_crop(images, 2, stream())
    padded = functional.pad(images, (2, 2, 2, 2), mode="reflect")
    found = set()
    for image, source in zip(cropped, padded, strict=True):
        fits = [(y, x) for y in range(5) for x in range(5) if torch.equal(image, source[:, y : y + 6, x : x + 6])]
        assert len(fits) == 1
        found.add(fits[0])
    assert len(found) > 15  # of 25 offsets


def test_flips_mirror_the_chosen_share_along_their_axis():
    images = torch.rand(2000, 1, 4, 4)
    for axis in (2, 3):
        flipped = random_flip(images, 0.25, axis, stream())
        mirrored = (flipped == images.flip(axis)).all(dim=(1, 2, 3))
        assert (mirrored | (flipped == images).all(dim=(1, 2, 3))).all()
        assert 0.2 < mirrored.float().mean() < 0.3


def test_a_stream_decides_and_nothing_asked_is_nothing_done():
    images = torch.rand(16, 3, 8, 8)
    augment = Augmentation(2, 0.5, 0.5)
    assert torch.equal(augment(images, stream(1)), augment(images, stream(1)))
    assert not torch.equal(augment(images, stream(1)), augment(images, stream(2)))
    assert augment(images, stream()).shape == images.shape
    assert Augmentation(0, 0, 0)(images, stream()) is images
