import numpy as np
import pytest
import torch
from torch import nn

from sightline.networks.classifier import Classifier
from sightline.networks.predict import predict_logits


class Brightness(nn.Module):
    """Two logits: the mean of the image, and how many images came with it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack([mean, torch.full_like(mean, len(images))], dim=1)


@pytest.fixture
def pixels(tmp_path) -> np.ndarray:
    values = np.arange(10, dtype=np.uint8)[:, None, None, None]
    np.save(tmp_path / "images.npy", np.broadcast_to(values, (10, 4, 4, 3)))
    return np.load(tmp_path / "images.npy", mmap_mode="c")


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(Brightness(), mean=[0.0] * 3, std=[1.0] * 3, input_size=4).eval()


def test_rows_keep_their_order_and_batches_their_size(classifier, pixels):
    logits = predict_logits(classifier, pixels, np.array([7, 0, 3, 9, 1]), 2, torch.device("cpu"))
    assert (255 * logits[:, 0]).tolist() == pytest.approx([7, 0, 3, 9, 1], abs=1e-5)
    assert logits[:, 1].tolist() == [2, 2, 2, 2, 1]
    assert logits.dtype == torch.float32
    assert not logits.requires_grad


def test_no_rows_give_no_logits(classifier, pixels):
    assert predict_logits(classifier, pixels, np.empty(0, dtype=int), 2, torch.device("cpu")).shape == (0, 0)


class CopiedWhenMoved(Classifier):
    """Does on the CPU what a move to another device does: the buffers are new tensors."""

    def to(self, device: torch.device) -> Classifier:
        self.std = self.std.clone()
        return super().to(device)


def test_a_moved_classifier_can_have_gradients(pixels):
    classifier = CopiedWhenMoved(Brightness(), mean=[0.0] * 3, std=[1.0] * 3, input_size=4).eval()
    predict_logits(classifier, pixels, np.arange(10), 2, torch.device("cpu"))
    images = torch.rand(2, 3, 4, 4, requires_grad=True)
    classifier.normalize(images).square().sum().backward()
    assert torch.allclose(images.grad, 2 * images)  # of the squares, as the mean is 0 and the deviation 1
