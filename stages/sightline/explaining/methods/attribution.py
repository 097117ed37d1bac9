"""How the class's logit changes with single pixels: gradients with respect to the image, by captum."""

import torch

from sightline.explaining.methods.subject import Settings, Subject, drawn_from


def saliency(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return the largest absolute gradient over a pixel's channels.

    Simonyan et al., 2014, "Deep Inside Convolutional Networks".

    Takes what `cam.grad_cam` does and gives float [N, S, S], >= 0, one value a pixel; so do the other functions here.
    """
    from captum.attr import Saliency  # over a second to import, here and below

    gradients = Saliency(subject.logits).attribute(_followed(images), target=classes)
    return gradients.detach().amax(dim=1)


def smooth_grad(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return the saliency of the mean gradient over noisy copies of the image.

    Smilkov et al., 2017, "SmoothGrad: removing noise by adding noise".
    """
    from captum.attr import NoiseTunnel, Saliency

    with drawn_from(settings.seed, "smoothgrad"):
        gradients = NoiseTunnel(Saliency(subject.logits)).attribute(
            _followed(images),
            nt_type="smoothgrad",
            nt_samples=settings.steps,
            nt_samples_batch_size=min(subject.followed_at_once, settings.steps),
            stdevs=settings.noise * float(images.max() - images.min()),
            target=classes,
            abs=False,
        )
    return gradients.detach().abs().amax(dim=1)


def integrated_gradients(
    subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings
) -> torch.Tensor:
    """Return what each pixel adds to the logit on the way from the training images' mean colour to the image.

    Sundararajan et al., 2017, "Axiomatic Attribution for Deep Networks". The channels are added up; what speaks
    against the class counts as zero.
    """
    from captum.attr import IntegratedGradients

    shares = IntegratedGradients(subject.logits).attribute(
        _followed(images),
        baselines=subject.hidden().expand_as(images),
        target=classes,
        n_steps=settings.steps,
        internal_batch_size=max(subject.followed_at_once, len(images)),
    )
    return shares.detach().sum(dim=1).float().relu()


def _followed(images: torch.Tensor) -> torch.Tensor:
    return images.detach().clone().requires_grad_()
