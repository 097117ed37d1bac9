"""What two views of the same images should have in common, as a number to lower."""

import torch
from torch.nn import functional


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the normalised temperature-scaled cross-entropy.

    Each embedding must find that of its image's other view among all others of the batch by cosine similarity (Chen et
    al., 2020, "A Simple Framework for Contrastive Learning of Visual Representations", equation 1).

    Parameters
    ----------
    first, second : Tensor of float [N, dimensions]
        Embeddings of two views of each image, of any length; N at least 2, or there is nothing to tell apart.
    temperature : float
        > 0: a lower one looks at the most similar images alone.
    """
    count = len(first)
    embeddings = functional.normalize(torch.cat([first, second]).float(), dim=1)
    similarities = embeddings @ embeddings.T / temperature
    itself = torch.eye(2 * count, dtype=torch.bool, device=first.device)
    other_view = torch.arange(2 * count, device=first.device).roll(count)
    return functional.cross_entropy(similarities.masked_fill(itself, float("-inf")), other_view)
