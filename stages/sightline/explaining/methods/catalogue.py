"""The explaining methods by name, which network each suits, and one map for an ensemble."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

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
    several : bool
        Whether it explains several images in one pass; the others fill their passes with copies of one image.
    """

    title: str
    explain: Callable[[Subject, torch.Tensor, torch.Tensor, Settings], torch.Tensor]
    why_not: Callable[[Subject], str | None]
    several: bool


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
    "gradcam": Method("Grad-CAM", grad_cam, why_no_activation, True),
    "gradcam++": Method("Grad-CAM++", grad_cam_plus_plus, why_no_activation, True),
    "layercam": Method("LayerCAM", layer_cam, why_no_activation, True),
    "scorecam": Method("Score-CAM", score_cam, why_no_layer, False),
    "attention": Method("Attention", last_attention, why_no_attention, True),
    "attention_rollout": Method("Attention rollout", attention_rollout, why_no_attention, True),
    "saliency": Method("Saliency", saliency, why_no_gradients, True),
    "smoothgrad": Method("SmoothGrad", smooth_grad, why_no_gradients, False),
    "integrated_gradients": Method("Integrated gradients", integrated_gradients, why_no_gradients, False),
    "occlusion": Method("Occlusion", occlusion, lambda _subject: None, False),
    "lime": Method("LIME", lime, lambda _subject: None, False),
    "kernel_shap": Method("Kernel SHAP", kernel_shap, lambda _subject: None, False),
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


def explain_each(
    name: str, subjects: list[Subject], questions: Iterable[tuple[torch.Tensor, int]], settings: Settings
) -> Iterator[np.ndarray]:
    """Yield the map of each image, float32 [S, S], in order, with no more images in memory than are explained at once.

    `questions` are images, float [1, 3, S, S] in [0, 1], each with the class to explain; the rest as in `explain`.
    """
    at_once = min(subject.followed_at_once for subject in subjects) if METHODS[name].several else 1
    questions = iter(questions)
    while part := list(islice(questions, at_once)):
        images = torch.cat([image for image, _ in part])
        classes = torch.tensor([target for _, target in part], device=images.device)
        yield from explain(name, subjects, images, classes, settings)


def explain(
    name: str, subjects: list[Subject], images: torch.Tensor, classes: torch.Tensor, settings: Settings
) -> np.ndarray:
    """Return images' maps, averaged over the members, each scaled to a largest value of 1.

    Parameters
    ----------
    name : str
        A key of `METHODS` that suits every member.
    subjects : list of Subject
        The ensemble.
    images : torch.Tensor
        float [N, 3, S, S] in [0, 1], all in one pass.
    classes : torch.Tensor
        int64 [N], the classes to explain.

    Returns
    -------
    ndarray
        float32 [N, S, S] in [0, 1]; all zero when no member's map points anywhere.
    """
    maps = [
        _enlarge(scale_to_one(METHODS[name].explain(subject, images, classes, settings)), images.shape[2])
        for subject in subjects
    ]
    return scale_to_one(torch.stack(maps).mean(dim=0)).cpu().numpy()


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
