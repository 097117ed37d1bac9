"""Losses by name."""

from torch import nn

LOSSES = {
    "cross_entropy": lambda label_smoothing: nn.CrossEntropyLoss(label_smoothing=label_smoothing),
}


def build_loss(name: str, label_smoothing: float) -> nn.Module:
    """Build a loss of logits [N, classes] and labels int64 [N], averaged over the batch.

    Parameters
    ----------
    label_smoothing : float
        In [0, 1): the share of the target that is spread evenly over all classes (Szegedy et al., 2016, "Rethinking
        the Inception Architecture").
    """
    return LOSSES[name](label_smoothing)
