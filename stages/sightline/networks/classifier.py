"""From stored pixels to class scores: what training, evaluation, explanation and the exported graph share."""

import torch
from torch import nn
from torch.nn import functional


class Classifier(nn.Module):
    """A network with its preprocessing: uint8 pixels [N, H, W, C] in, logits [N, classes] out.

    Parameters
    ----------
    network : nn.Module
        Takes normalised float [N, C, input_size, input_size], C the length of `mean`; one whose `takes_normalized` is
        False takes it in [0, 1].
    mean, std : list of float
        Per channel: R, G, B, or grey; in units of [0, 1].
    input_size : int
        Side in pixels that the network takes. Larger stored images are cropped at their centre, smaller ones are
        enlarged (bilinear).
    """

    def __init__(self, network: nn.Module, mean: list[float], std: list[float], input_size: int):
        super().__init__()
        if not getattr(network, "takes_normalized", True):
            mean = [0.0] * len(mean)
            std = [1.0] * len(mean)
        self.network = network
        self.input_size = input_size
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        return self.mean.shape[1]

    def scale(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return float [N, C, input_size, input_size] in [0, 1] from uint8 [N, H, W, C]."""
        images = pixels.permute(0, 3, 1, 2).float() / 255
        size = self.input_size
        height, width = images.shape[2:]
        if height > size or width > size:
            top = max(0, (height - size) // 2)
            left = max(0, (width - size) // 2)
            images = images[:, :, top : top + size, left : left + size]
        if height < size or width < size:
            images = functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
        return images

    def normalize(self, images: torch.Tensor) -> torch.Tensor:
        """Return (images - mean) / std for images [N, C, H, W] in [0, 1]."""
        return (images - self.mean) / self.std

    def with_network(self, network: nn.Module) -> "Classifier":
        """Return a classifier with the same preprocessing and another network."""
        return Classifier(network, self.mean.flatten().tolist(), self.std.flatten().tolist(), self.input_size)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.network(self.normalize(self.scale(pixels)))


def mean_log_probabilities(logits: list[torch.Tensor]) -> torch.Tensor:
    """Return the logarithm of the members' mean probabilities, from each member's logits [N, classes]."""
    log_probabilities = torch.stack([functional.log_softmax(scores, dim=1) for scores in logits])
    return torch.logsumexp(log_probabilities, dim=0) - torch.log(torch.tensor(float(len(logits))))
