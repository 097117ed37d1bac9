"""Throughput of every augmentation: images a second on the CPU, at 32 px (batch 128) and 224 px (batch 32).

Run    OMP_NUM_THREADS=2 PYTHONPATH=stages python benchmarks/augmentation.py

Each row switches one operation on, the last ones several; all include the conversion of bytes to floats. The number is
that of the fastest of many batches, as the least disturbed by other processes.
"""

import time
from collections.abc import Callable

import torch

from sightline.common.process import keep_freed_memory
from sightline.parameters.augment import AugmentSection
from sightline.training.augmentation.mixing import Mixing
from sightline.training.augmentation.pipeline import Augmentation

SECONDS = 1.0  # a row
FILL = (0.5, 0.5, 0.5)
OFF = AugmentSection(
    random_resized_crop=False,
    crop_scale=[0.08, 1.0],
    crop_ratio=[0.75, 4 / 3],
    crop_padding=0,
    horizontal_flip=0.0,
    alternating_flip=False,
    vertical_flip=0.0,
    rotation=0.0,
    translation=0.0,
    shear=0.0,
    auto_augment="none",
    randaugment_ops=2,
    randaugment_magnitude=9,
    autoaugment_policy="imagenet",
    augmix_severity=3,
    color_jitter=[0.0, 0.0, 0.0, 0.0],
    grayscale=0.0,
    gaussian_blur=0.0,
    blur_sigma=[0.1, 2.0],
    erasing=0.0,
    erasing_area=[0.02, 0.33],
    erasing_ratio=[0.3, 3.3],
    mix_prob=1.0,
    mix_switch_prob=0.5,
)
AFFINE = {"rotation": 15.0, "translation": 0.1, "shear": 10.0}
COLOR = {"color_jitter": [0.4, 0.4, 0.4, 0.1]}
CROP_FLIP = {"crop_padding": 4, "horizontal_flip": 0.5}
FULL = CROP_FLIP | AFFINE | COLOR | {"erasing": 0.25}
ROWS = {
    "none (bytes to floats)": {},
    "crop": {"crop_padding": 4},
    "crop, flip": CROP_FLIP,
    "crop, alternating flip": {"crop_padding": 4, "alternating_flip": True},
    "random resized crop": {"random_resized_crop": True},
    "random resized crop, flip": {"random_resized_crop": True, "horizontal_flip": 0.5},
    "affine": AFFINE,
    "colour jitter": COLOR,
    "grayscale": {"grayscale": 0.2},
    "Gaussian blur, p 0.5": {"gaussian_blur": 0.5},
    "erasing, p 0.25": {"erasing": 0.25},
    "RandAugment": {"auto_augment": "randaugment"},
    "TrivialAugment": {"auto_augment": "trivialaugment"},
    "AutoAugment": {"auto_augment": "autoaugment"},
    "AugMix": {"auto_augment": "augmix"},
    "crop, flip, affine, colour, erasing": FULL,
}
MIXING = Mixing(mixup=0.2, cutmix=1.0, mix_prob=1.0, mix_switch_prob=0.5)


def main() -> None:
    keep_freed_memory()
    for size, batch in ((32, 128), (224, 32)):
        print(f"\n{size} px, batch {batch}, {torch.get_num_threads()} threads")
        for name, settings in ROWS.items():
            report(name, make_step(augmentation_of(size, settings), size, batch, mixing=False), batch)
        everything = augmentation_of(size, FULL)
        report("MixUp and CutMix", make_step(augmentation_of(size, {}), size, batch, mixing=True), batch)
        report("all of the above but policies", make_step(everything, size, batch, mixing=True), batch)


def augmentation_of(size: int, changes: dict) -> Augmentation:
    """Return an augmentation to `size` px with some settings switched on."""
    return Augmentation(OFF.model_copy(update=changes), size, FILL)


def make_step(augmentation: Augmentation, size: int, batch: int, mixing: bool) -> Callable[[], None]:
    """Return a function that augments one batch of noise."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8, generator=generator)
    ids = torch.arange(batch)
    labels = ids % 10

    def step() -> None:
        images = augmentation(pixels, generator, 0, ids)
        if mixing:
            MIXING(images, labels, 10, generator)

    return step


def report(name: str, step: Callable[[], None], batch: int) -> None:
    """Print the rate of the fastest call within `SECONDS`."""
    step()
    times = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(f"{name:40s}{batch / min(times):10,.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
