"""What Sightline's own networks share: blocks, a pooled mean, dropout, one linear layer; timm's feature interface."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

POOLS = {  # how feature maps [N, C, h, w] become features [N, C or 2 C], named as timm does
    "avg": lambda maps: maps.mean(dim=(2, 3)),
    "max": lambda maps: maps.amax(dim=(2, 3)),
    "avgmax": lambda maps: (maps.mean(dim=(2, 3)) + maps.amax(dim=(2, 3))) / 2,
    "catavgmax": lambda maps: torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1),
}


class PooledNetwork(nn.Module):
    """Convolutional blocks, their last maps pooled over space, by the mean at first, dropout, then a linear layer.

    `forward_features`, `forward_head`, `feature_info`, `get_classifier`, `reset_classifier`, `group_matcher` and
    `set_grad_checkpointing` are those of timm's networks, so that code written for one takes the other.

    Parameters
    ----------
    blocks : nn.Sequential
        From float [N, 3, H, W] to the last feature maps.
    feature_info : list of dict
        One layer a resolution, finest first: `module`, its name in the network; `num_chs`, its output's channels;
        `reduction`, the input's side over its output's.
    classes : int
        Logits to give.
    drop_rate : float
        In [0, 1): the probability that a pooled feature is dropped in training.
    """

    pool = "avg"

    def __init__(self, blocks: nn.Sequential, feature_info: list[dict], classes: int, drop_rate: float):
        super().__init__()
        self.blocks = blocks
        self.feature_info = feature_info
        self.dropout = nn.Dropout(drop_rate)
        self.head = nn.Linear(feature_info[-1]["num_chs"], classes)
        self.checkpoints = False

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps [N, channels, h, w] of images [N, 3, H, W]."""
        if not self.checkpoints:
            return self.blocks(images)
        features = images
        for block in self.blocks:
            features = checkpoint(block, features, use_reentrant=False)
        return features

    def forward_head(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of feature maps [N, channels, h, w]."""
        return self.head(self.dropout(POOLS[self.pool](features)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(images))

    def get_classifier(self) -> nn.Linear:
        """Return the layer that gives the logits."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str) -> None:
        """Pool by another key of `POOLS`, and give the logits by a new layer."""
        self.pool = global_pool
        width = self.feature_info[-1]["num_chs"]
        self.head = nn.Linear(2 * width if global_pool == "catavgmax" else width, num_classes)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what passes between the blocks for the backward pass, which computes the rest again."""
        self.checkpoints = enable

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """Return the pattern by which timm's helpers number the blocks, for layer-wise learning rates and freezing."""
        return {"blocks": r"^blocks\.(\d+)"}


def describe_maps(modules: list[str], widths: tuple[int, ...], reductions: tuple[int, ...]) -> list[dict]:
    """Return a `feature_info` from the layers' names, their channels, and the input's side over that of their maps."""
    rows = zip(modules, widths, reductions, strict=True)
    return [{"module": name, "num_chs": width, "reduction": reduction} for name, width, reduction in rows]
