"""How often `make monitor` raises a false alarm, and after how many images it notices a planted shift.

Run    python benchmarks/monitoring.py --windows 200 --repeats 20       after `dvc repro`, on the digits
Reads  data/prepared/images.npy, data/predictions/predictions.csv, models/exported/model.onnx

No image was trained on: those of validation and test are parted at random, again for each window, into a reference and
what the windows are drawn of. A mirrored digit stands for a class that was never seen: its brightness, contrast and
sharpness are those of a digit, so that confidence and classes alone can tell.
"""

import argparse
from collections.abc import Callable

import numpy as np

from sightline.common.files import read_columns
from sightline.monitoring.lines import Seen
from sightline.monitoring.windows import judge
from sightline.scoring.pixel_summary import summarize_pixels
from sightline.scoring.reference import Reference
from sightline.serving.model import ExportedModel, open_model

RATES = (0.01, 0.05)
SIZES = (20, 50, 100, 200)
SEED = 0
REFERENCE = 359  # images, as many as the digits' test has
NOTICED = 0.9  # of the windows


def main() -> None:
    options = read_options()
    model = open_model("models/exported/model.onnx", 1)
    judged = read_columns("data/predictions/predictions.csv", {"row": int, "label": str})
    pixels = np.load("data/prepared/images.npy", mmap_mode="r")[judged["row"]]
    labels = judged["label"].to_numpy()
    stream = np.random.default_rng(SEED)
    plain = see(model, pixels)
    least = np.array([least_p(plain, plain, model, 200, stream) for _ in range(options.windows)])
    told = [f"{(least < rate).sum()} of {options.windows} at {rate}" for rate in RATES]
    print(f"false alarms, windows of 200: {', '.join(told)}", flush=True)
    for name, plant in shifts(labels).items():
        shifted = plant(see, model, pixels, stream)
        found = {size: detected(plain, shifted, model, size, options.repeats, stream) for size in SIZES}
        enough = next((size for size, share in found.items() if share >= NOTICED), None)
        told = ", ".join(f"{size}: {share:.0%}" for size, share in found.items())
        print(f"{name:<36} noticed within {enough or 'more than 200'} images ({told})", flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure false alarms and detection of the monitor.")
    parser.add_argument("--windows", type=int, default=200, help="without a shift; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=20, help="windows of each size and shift; default: %(default)s")
    return parser.parse_args()


def see(model: ExportedModel, pixels: np.ndarray) -> list[Seen]:
    """Return what the service would write of images."""
    probabilities = np.concatenate([model.run(np.ascontiguousarray(part)) for part in np.array_split(pixels, 20)])
    looks = summarize_pixels(pixels, np.arange(len(pixels)))
    rows = zip(probabilities, zip(*looks.values(), strict=True), strict=True)
    return [
        Seen("", "", "", model.classes[row.argmax()], float(row.max()), {}, dict(zip(looks, look, strict=True)))
        for row, look in rows
    ]


def shifts(labels: np.ndarray) -> dict[str, Callable]:
    """Return what is planted: from the images to what is seen of each, None for one that no longer comes."""

    def noisy(deviation: float) -> Callable:
        return lambda see, model, pixels, stream: see(model, clip(pixels + stream.normal(0, deviation, pixels.shape)))

    def brighter(levels: int) -> Callable:
        return lambda see, model, pixels, stream: see(model, clip(pixels.astype(float) + levels))

    def without(gone: str) -> Callable:
        return lambda see, model, pixels, stream: [
            None if label == gone else seen for label, seen in zip(labels, see(model, pixels), strict=True)
        ]

    def mirrored(share: float) -> Callable:
        def plant(see: Callable, model: ExportedModel, pixels: np.ndarray, stream: np.random.Generator) -> list[Seen]:
            chosen = stream.random(len(pixels)) < share
            return see(model, np.where(chosen[:, None, None, None], pixels[:, :, ::-1], pixels))

        return plant

    return {
        "noise, deviation 5 of 255": noisy(5),
        "noise, deviation 25 of 255": noisy(25),
        "brighter by 5 of 255": brighter(5),
        "brighter by 25 of 255": brighter(25),
        "class 3 vanishes": without("3"),
        "10 % of an unseen class": mirrored(0.1),
        "30 % of an unseen class": mirrored(0.3),
    }


def clip(levels: np.ndarray) -> np.ndarray:
    return np.clip(levels, 0, 255).astype(np.uint8)


def detected(
    plain: list[Seen],
    shifted: list[Seen | None],
    model: ExportedModel,
    size: int,
    times: int,
    stream: np.random.Generator,
) -> float:
    """Return the share of windows in which a shift is noticed at the monitor's default rate."""
    return float(np.mean([least_p(plain, shifted, model, size, stream) < RATES[0] for _ in range(times)]))


def least_p(
    plain: list[Seen], shifted: list[Seen | None], model: ExportedModel, size: int, stream: np.random.Generator
) -> float:
    """Return the least corrected p of a window of other images than those of its reference."""
    order = stream.permutation(len(plain))
    reference = refer([plain[row] for row in order[:REFERENCE]], model.classes)
    window = [shifted[row] for row in order[REFERENCE:] if shifted[row] is not None][:size]
    tests = judge(window, reference, RATES[0], int(stream.integers(1 << 30))).tests
    return min(test["p"] for test in tests.values())


def refer(seen: list[Seen], classes: list[str]) -> Reference:
    """Return what reference.json would hold of images."""
    return Reference(
        images=len(seen),
        classes={name: sum(image.predicted == name for image in seen) for name in classes},
        confidence=[image.confidence for image in seen],
        pixels={name: [float(image.pixels[name]) for image in seen] for name in seen[0].pixels},
    )


if __name__ == "__main__":
    main()
