"""Show with Grad-CAM where the model finds the evidence for its predictions on test images.

Reads   data/prepared/images.npy         pixels
        data/predictions/predictions.csv  true and predicted class and probability of each image
        models/trained                    the members and model.json
Writes  plots/gradcam/correct_NN.png      image, map and overlay of correct predictions, one class after the other
        plots/gradcam/wrong_NN.png        the same of wrong ones, most confident first
        plots/gradcam/overview.png        all overlays; there even when there is no image to explain
        metrics/gradcam.json              images explained, blank maps, the layer each member is read at
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from pydantic import Field
from tqdm import tqdm

from sightline.common.files import read_table, write_json
from sightline.common.params import StageParams, StrictModel
from sightline.common.stage import run_stage
from sightline.explaining.cam import TargetLayer, explain, find_target_layer
from sightline.explaining.choice import choose
from sightline.explaining.panels import Explained, draw_message, draw_overview, draw_panel, save_png, tile_side
from sightline.images.store import open_pixels
from sightline.networks.classifier import Classifier
from sightline.networks.saved import load_members, read_spec

PLOTS = Path("plots/gradcam")


class GradcamParams(StrictModel):
    images: int = Field(ge=1, le=100)
    alpha: float = Field(ge=0, le=1)


class Params(StageParams):
    gradcam: GradcamParams


def main(params: Params) -> None:
    options, spec, pixels = params.gradcam, read_spec("models/trained"), open_pixels()
    predictions = read_table("data/predictions/predictions.csv", text=("id", "subset"))
    members = load_members("models/trained", spec)
    layers = [find_target_layer(member) for member in members]
    notes = explain_limits(layers, [member.architecture for member in spec.members])
    test = predictions[predictions["subset"] == "test"]
    chosen = choose(test, 0 if notes else options.images)
    explained = explain_all(members, layers, pixels, chosen, spec.classes)
    for stale in PLOTS.glob("*.png"):
        stale.unlink()
    for name, shown in explained.items():
        save_png(PLOTS / f"{name}.png", draw_panel(shown, options.alpha))
    save_png(PLOTS / "overview.png", picture_all(explained, notes, options.alpha))
    write_json("metrics/gradcam.json", summarize(explained, layers, notes))


def explain_limits(layers: list[TargetLayer | None], architectures: list[str]) -> list[str]:
    """Say for which networks Grad-CAM has nothing to look at; one is enough to leave the ensemble unexplained."""
    unfit = sorted({name for name, layer in zip(architectures, layers, strict=True) if layer is None})
    return [
        f"Grad-CAM does not apply to {name}: it names no layer that lies on a grid over the image" for name in unfit
    ]


def explain_all(
    members: list[Classifier],
    layers: list[TargetLayer],
    pixels: np.ndarray,
    chosen: pd.DataFrame,
    classes: list[str],
) -> dict[str, Explained]:
    """Explain the predicted class of each chosen image; one image at a time, since gradients take memory."""
    side = tile_side(members[0].input_size)
    explained = {}
    for one in tqdm(chosen.itertuples(), total=len(chosen), desc="gradcam", unit="img", disable=None):
        stored = torch.from_numpy(np.array(pixels[one.row])).unsqueeze(0)
        heat = explain(members, layers, stored, one.predicted, side)
        seen = members[0].scale(stored)[0].permute(1, 2, 0) * 255
        explained[one.name] = Explained(
            seen.round().byte().numpy(), heat, classes[one.label], classes[one.predicted], one.confidence
        )
    return explained


def picture_all(explained: dict[str, Explained], notes: list[str], alpha: float) -> Image.Image:
    """Draw the overview, or what keeps it empty."""
    if notes or not explained:
        return draw_message(notes or ["No test images to explain"])
    headings = {"correct": "Correct predictions", "wrong": "Wrong predictions, most confident first"}
    groups = {
        heading: [shown for name, shown in explained.items() if name.startswith(kind)]
        for kind, heading in headings.items()
    }
    return draw_overview(groups, alpha)


def summarize(explained: dict[str, Explained], layers: list[TargetLayer | None], notes: list[str]) -> dict:
    """Count the explained images and the maps that point nowhere; a share of no images is left out."""
    blank = sum(not shown.map.any() for shown in explained.values())
    correct = sum(name.startswith("correct") for name in explained)
    found = {"images": len(explained), "correct": correct, "wrong": len(explained) - correct, "blank_maps": blank}
    if explained:
        found["blank_share"] = blank / len(explained)
    else:
        notes = notes or ["no test images, hence no blank_share"]
    names = {f"member_{number}": layer.name for number, layer in enumerate(layers) if layer}
    return found | {"layers": names, "notes": notes}


if __name__ == "__main__":
    run_stage(main, Params)
