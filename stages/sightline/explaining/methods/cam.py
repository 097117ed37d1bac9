"""Class activation maps: which positions of a late layer a network's answer rests on.

All add up the layer's maps A_k, weighted, and count what is negative as zero; they differ in the weights.
G is the gradient of the class's logit with respect to A.
"""

import torch
from torch.nn import functional

from sightline.explaining.methods.layers import read_layer, read_outputs
from sightline.explaining.methods.subject import Settings, Subject


def grad_cam(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Weigh each map by the mean of G over it.

    Selvaraju et al., 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization".

    Parameters
    ----------
    images : torch.Tensor
        float [N, 3, S, S] in [0, 1].
    classes : torch.Tensor
        int64 [N], the class that each map is to explain.
    settings : Settings
        Not used by class activation maps, which have nothing to set.

    Returns
    -------
    torch.Tensor
        float [N, h, w] on the layer's grid, >= 0. The other functions here take and give the same.
    """
    maps, gradients = read_layer(subject.classifier, subject.layer, images, classes)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return (weights * maps).sum(dim=1).relu()


def grad_cam_plus_plus(
    subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings
) -> torch.Tensor:
    """Weigh each map by the sum of its positive G, each times G^2 / (2 G^2 + G^3 sum(A_k)).

    Chattopadhay et al., 2018, "Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks", equation 19,
    for the exponential of the logit, whose higher derivatives are powers of G; where G is 0 the weight is 0. The paper
    has maps that a ReLU has left >= 0. Of others only the positive part enters sum(A_k), which keeps the factor in
    [0, 1/2]; the divisor could be 0 or negative otherwise.
    """
    maps, gradients = read_layer(subject.classifier, subject.layer, images, classes)
    squares = gradients.square()
    below = 2 * squares + squares * gradients * maps.relu().sum(dim=(2, 3), keepdim=True)
    shares = squares / torch.where(below == 0, torch.ones_like(below), below)
    weights = (shares * gradients.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * maps).sum(dim=1).relu()


def layer_cam(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Weigh each position of each map by its own positive G.

    Jiang et al., 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", equation 6.
    """
    maps, gradients = read_layer(subject.classifier, subject.layer, images, classes)
    return (gradients.relu() * maps).sum(dim=1).relu()


@torch.no_grad()
def score_cam(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Weigh each map by the class's probability where only the map's own part of the image is shown; no gradients.

    Wang et al., 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks": the maps,
    enlarged and brought to [0, 1], are the masks, and a softmax over the maps makes their scores the weights. One
    forward pass a map. What a mask hides turns into the training images' mean colour.
    """
    return torch.stack(
        [_score_one(subject, image, target) for image, target in zip(images, classes.tolist(), strict=True)]
    )


def _score_one(subject: Subject, image: torch.Tensor, target: int) -> torch.Tensor:
    name = subject.layer.name
    maps = subject.layer.to_grid(read_outputs(subject.classifier, [name], image.unsqueeze(0))[name])[0]
    large = functional.interpolate(maps.unsqueeze(1), size=image.shape[1:], mode="bilinear", align_corners=False)
    lowest = large.amin(dim=(1, 2, 3), keepdim=True)
    highest = large.amax(dim=(1, 2, 3), keepdim=True)
    flat = ~(highest > lowest)
    masks = (large - lowest) / torch.where(flat, torch.ones_like(highest), highest - lowest)
    hidden = subject.hidden()
    scores = torch.cat(
        [subject.probabilities(hidden + batch * (image - hidden))[:, target] for batch in masks.split(subject.at_once)]
    )
    weights = scores.masked_fill(flat.flatten(), -torch.inf).softmax(dim=0).nan_to_num()  # a flat map masks nothing
    return (weights[:, None, None] * maps).sum(dim=0).relu()
