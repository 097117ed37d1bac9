"""What the numbers of a source suggest for params.yaml, each with its reason."""

from dataclasses import dataclass

import numpy as np

from sightline.surveying.embedding import Embedding
from sightline.surveying.numbers import cut_share, shorter_side
from sightline.surveying.survey import Survey

SIDES = (32, 64, 96, 128, 160, 224)  # px: what networks are usually given; the last is what most weights expect
CUT = 0.3  # share of the area beyond which the middle of an image no longer stands for it
UNEVEN, LONG_TAIL = 3, 20  # largest class over smallest
GREY = 0.01  # saturation, in [0, 1], below which an image shows no colour
SMALL = 64  # px: below, pictures are unlike the photos that published weights know
MANY = 10_000  # images: enough to train a network from nothing
PLENTY = 300  # images a class: enough to change all layers of a given network
FEW_TESTED = 5  # images of a class in test, of which an accuracy means nothing
TEST = 0.2  # share of the images that test gets by default


@dataclass(frozen=True)
class Advice:
    """A parameter of params.yaml (or a recipe), what to set it to, and why."""

    parameter: str
    value: str
    reason: str


def advise(survey: Survey, embedding: Embedding | None) -> list[Advice]:
    """Return what to set, in the order in which one would."""
    found = [
        advise_size(survey),
        advise_fit(survey),
        advise_channels(survey),
        advise_duplicates(survey),
        advise_groups(survey),
        advise_folds(survey),
        advise_weights(survey),
        advise_recipe(survey),
        advise_features(embedding),
    ]
    return [advice for advice in found if advice]


def advise_size(survey: Survey) -> Advice:
    """Take the largest usual side that three quarters of the files reach."""
    stored = survey.dataset.preprocessing.image_size
    reached = int(np.quantile(shorter_side(survey.numbers), 0.25))
    side = max((side for side in SIDES if side <= reached), default=SIDES[0])
    if stored == side and reached < side:
        reason = f"as it is: the images have {reached} px, and networks need {side} to look at them in several steps"
    elif stored == side:
        reason = f"as it is: three quarters of the images have {reached} px or more on their shorter side"
    elif stored < side:
        cost = (side / stored) ** 2
        reason = f"three quarters of the images have {reached} px or more; costs {cost:.1f} times the time of {stored}"
    else:
        reason = f"a quarter of the images have {reached} px or less; {stored} px make them larger, not clearer"
    return Advice("prepare.image_size", str(side), reason)


def advise_fit(survey: Survey) -> Advice:
    """Crop where little is lost by it, pad where much is."""
    cut = cut_share(survey.numbers).mean()
    if cut < 0.005:
        return Advice("prepare.fit", "crop", "the images are square: nothing is cut")
    if cut <= CUT:
        return Advice("prepare.fit", "crop", f"cuts {cut:.0%} of an image on average, at its ends")
    return Advice("prepare.fit", "pad", f"crop would cut {cut:.0%} of an image on average; the bars cost time instead")


def advise_channels(survey: Survey) -> Advice | None:
    """Keep one channel where no image shows a colour."""
    if "saturation" not in survey.numbers:
        return None
    grey = (survey.numbers["saturation"] < GREY).mean()
    if grey == 1:
        return Advice("prepare.channels", "1", "no image shows a colour: a third of the memory does")
    if grey > 0.05:
        return Advice(
            "prepare.channels", "3", f"{grey:.0%} of the images are grey; augment.grayscale: {grey:.1f} helps"
        )
    return None


def advise_duplicates(survey: Survey) -> Advice | None:
    """Point to images that look alike under two labels."""
    if survey.twins.empty:
        return None
    reason = f"{len(survey.twins):,} pairs look alike under two labels: see near_duplicates.csv, and mend the labels"
    return Advice("split.keep_duplicates_together", "near", reason)


def advise_groups(survey: Survey) -> Advice | None:
    """Say where the group gives the class away."""
    groups = survey.groups
    if groups is None or groups.larger == 0 or groups.one_class < groups.larger / 2:
        return None
    reason = f"{groups.one_class} of {groups.larger} groups hold one class alone: a model may learn the group instead"
    return Advice("split.on_leak", "fail", reason)


def advise_folds(survey: Survey) -> Advice | None:
    """Take folds where a single validation would see too few images of a class."""
    smallest = int(survey.counts.min())
    tested = int(smallest * TEST)
    if tested >= FEW_TESTED:
        return None
    name = survey.counts.idxmin()
    return Advice("folds", "5", f"{name} has {smallest} images, a fifth of them is {tested}: folds validate on all")


def advise_weights(survey: Survey) -> Advice:
    """Weigh classes of unequal size."""
    ratio = survey.counts.max() / max(1, survey.counts.min())
    told = f"the largest class has {ratio:.1f} times the images of the smallest"
    if ratio < UNEVEN:
        return Advice("class_weights", "none", told)
    if ratio < LONG_TAIL:
        return Advice("class_weights", "effective_number", f"{told}; judge by monitor: val/f1_macro")
    return Advice("logit_adjustment", "1.0", f"{told}; judge by monitor: val/balanced_accuracy")


def advise_recipe(survey: Survey) -> Advice:
    """Choose a recipe by the kind of the pictures and how many there are."""
    side = int(np.median(shorter_side(survey.numbers)))
    each = survey.images / len(survey.counts)
    ratio = survey.counts.max() / max(1, survey.counts.min())
    told = f"{survey.images:,} images, {each:,.0f} a class, {side} px"
    if side <= SMALL and survey.images < MANY:
        return Advice("recipe", "cifar10_simple_cnn", f"{told}: small pictures, few of them: a small network")
    if side <= SMALL:
        name = "long_tail" if ratio >= LONG_TAIL else "cifar10_cifarnet"
        return Advice("recipe", name, f"{told}: small pictures, enough to train a network from nothing")
    if each >= PLENTY:
        return Advice("recipe", "photos_finetune", f"{told}: enough to fine-tune all layers of given weights")
    if len(survey.counts) >= LONG_TAIL and ratio >= UNEVEN:
        return Advice("recipe", "cat_breeds", f"{told}: many uneven classes of photos")
    return Advice("recipe", "photos", f"{told}: too few to change more than the last layer of given weights")


def advise_features(embedding: Embedding | None) -> Advice | None:
    """Tell how far the given weights go without training."""
    if embedding is None:
        return None
    told = (
        f"{embedding.agreement:.0%} of an image's nearest neighbours share its class, {embedding.chance:.0%} by chance"
    )
    if embedding.agreement >= (1 + embedding.chance) / 2:
        return Advice("freeze", "backbone", f"{told}: the features tell the classes apart as they are")
    return Advice("freeze", "none", f"{told}: the features must change, so train all layers")
