"""The explaining methods by name, which network each suits, and one map for an ensemble."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from sightline.explaining.methods.attention_maps import attention_rollout, last_attention, why_no_attention
from sightline.explaining.methods.attribution import integrated_gradients, saliency, smooth_grad
from sightline.explaining.methods.cam import grad_cam, grad_cam_plus_plus, layer_cam, score_cam
from sightline.explaining.methods.perturbation import kernel_shap, lime, occlusion
from sightline.explaining.methods.subject import Settings, Subject


@dataclass(frozen=True)
class Method:
    """A way to explain a prediction.

    Parameters
    ----------
    title : str
        For pictures.
    explain : callable
        From (subject, images float [N, 3, S, S] in [0, 1], classes int64 [N], settings) to maps [N, h, w] >= 0.
    why_not : callable
        From a subject to the reason why the method does not apply to it, or None.
    """

    title: str
    explain: Callable[[Subject, torch.Tensor, torch.Tensor, Settings], torch.Tensor]
    why_not: Callable[[Subject], str | None]


def why_no_layer(subject: Subject) -> str | None:
    """Return why a network has no maps to activate."""
    return None if subject.layer else "no layer of it is known to lie on a grid over the image"


def why_no_gradients(subject: Subject) -> str | None:
    """Return why nothing can be said about single pixels."""
    return None if subject.has_gradients else "its scores have no gradient with respect to the image"


def why_no_activation(subject: Subject) -> str | None:
    """Return why class activation maps that need gradients do not apply."""
    reason = why_no_layer(subject)
    return why_no_gradients(subject) if reason is None else reason


METHODS = {
    "gradcam": Method("Grad-CAM", grad_cam, why_no_activation),
    "gradcam++": Method("Grad-CAM++", grad_cam_plus_plus, why_no_activation),
    "layercam": Method("LayerCAM", layer_cam, why_no_activation),
    "scorecam": Method("Score-CAM", score_cam, why_no_layer),
    "attention": Method("Attention", last_attention, why_no_attention),
    "attention_rollout": Method("Attention rollout", attention_rollout, why_no_attention),
    "saliency": Method("Saliency", saliency, why_no_gradients),
    "smoothgrad": Method("SmoothGrad", smooth_grad, why_no_gradients),
    "integrated_gradients": Method("Integrated gradients", integrated_gradients, why_no_gradients),
    "occlusion": Method("Occlusion", occlusion, lambda _subject: None),
    "lime": Method("LIME", lime, lambda _subject: None),
    "kernel_shap": Method("Kernel SHAP", kernel_shap, lambda _subject: None),
}


def select_methods(names: list[str], subjects: list[Subject]) -> tuple[list[str], list[str]]:
    """Return the methods that suit every member, and a line for each that does not."""
    fit = []
    notes = []
    for name in names:
        reasons = {subject.architecture: METHODS[name].why_not(subject) for subject in subjects}
        unfit = {network: reason for network, reason in reasons.items() if reason}
        if not unfit:
            fit.append(name)
        notes += [f"{name} does not apply to {network}: {reason}" for network, reason in unfit.items()]
    return fit, notes


def explain(name: str, subjects: list[Subject], image: torch.Tensor, target: int, settings: Settings) -> np.ndarray:
    """Return one image's map, averaged over the members, each scaled to a largest value of 1.

    Parameters
    ----------
    name : str
        A key of `METHODS` that suits every member.
    subjects : list of Subject
        The ensemble.
    image : torch.Tensor
        float [1, 3, S, S] in [0, 1].
    target : int
        The class to explain.

    Returns
    -------
    ndarray
        float32 [S, S] in [0, 1]; all zero when no member's map points anywhere.
    """
    classes = torch.tensor([target])
    maps = [
        _enlarge(scale_to_one(METHODS[name].explain(subject, image, classes, settings)), image.shape[2])
        for subject in subjects
    ]
    return scale_to_one(torch.stack(maps).mean(dim=0))[0].numpy()


def scale_to_one(maps: torch.Tensor) -> torch.Tensor:
    """Divide maps [N, h, w] >= 0 by their largest value.

    A map that is the same everywhere, or not finite, points nowhere: it becomes zero.
    """
    lowest = maps.amin(dim=(1, 2), keepdim=True)
    highest = maps.amax(dim=(1, 2), keepdim=True)
    telling = torch.isfinite(highest) & torch.isfinite(lowest) & (highest > lowest)
    return torch.where(telling, maps / highest, torch.zeros_like(maps))


def _enlarge(maps: torch.Tensor, side: int) -> torch.Tensor:
    size = (side, side)
    return functional.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)
