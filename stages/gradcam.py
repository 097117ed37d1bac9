"""Show where the model finds the evidence for its predictions on test images, and measure how well that is shown.

Reads   data/prepared                      pixels, original sizes, boxes where the source has them
        data/predictions/predictions.csv   true and predicted class and probability of each image
        models/trained                     the members and model.json
Writes  plots/gradcam/maps/<kind>.png      correct, wrong, least_confident, named: image and one map a method
        plots/gradcam/maps/classes.png     mean map of each class
        plots/gradcam/maps/features.png    feature maps of chosen layers
        plots/gradcam/faithfulness.csv     deletion and insertion curves
        metrics/gradcam.json               blank maps, quality of each method, the layer each member is read at

Quality is measured on test images that do not depend on the model, so that two models' numbers can be compared. The
members' probabilities are those before calibration.
"""

from sightline.common.arithmetic import hold_arithmetic

if __name__ == "__main__":
    hold_arithmetic()  # before NumPy and torch

# isort: split
from pathlib import Path

import pandas as pd
from PIL import Image

from sightline.common.device import compute_alike, leave_out_triton, pick_device, use_deterministic_algorithms
from sightline.common.files import write_json, write_table
from sightline.common.process import keep_freed_memory
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.explaining.choice import choose, choose_quality_sample
from sightline.explaining.explainer import Case, Explainer, explain_rows
from sightline.explaining.methods.catalogue import select_methods
from sightline.explaining.methods.subject import Settings, Subject, describe_subject
from sightline.explaining.pictures.draw import draw_classes, draw_kinds, draw_layers
from sightline.explaining.quality.measure import measure_quality
from sightline.explaining.quality.pointing import place_boxes
from sightline.images.predicted import PREDICTIONS, refuse_other_images
from sightline.images.store import BOX_COLUMNS, open_pixels, read_index, read_predictions
from sightline.networks.saved import ModelSpec, load_members, read_spec
from sightline.parameters.gradcam import GradcamParams, GradcamSection

MAPS = Path("plots/gradcam/maps")


def main(params: GradcamParams) -> None:
    keep_freed_memory()
    leave_out_triton()
    use_deterministic_algorithms(params.seed)
    compute_alike(params.arithmetic)
    options = params.gradcam
    spec = read_spec("models/trained")
    predictions, _ = read_predictions()
    index = read_index(columns=("id", "label", "width", "height", *BOX_COLUMNS))
    refuse_other_images(predictions, index[["id", "label"]].assign(row=range(len(index))), PREDICTIONS)
    groups = choose(predictions, options.select, options.images, options.ids)
    sample = choose_quality_sample(predictions, options.quality_images)
    subjects = describe_members(spec, params.memory_mb)
    methods, notes = select_methods(list(dict.fromkeys(options.method)), subjects)
    explainer = Explainer(subjects, open_pixels(), methods, settings_of(params))

    explained = pd.concat([*groups.values(), sample])
    print(f"gradcam: {explained['row'].nunique()} images by {', '.join(methods) or 'no method'}")
    boxes = place_boxes(index, explained["row"].tolist(), spec.preprocessing, spec.input_size)
    cases = explain_rows(explainer, explained, boxes)
    measured = [cases[row] for row in sample["row"]]
    if measured and methods:
        print(f"gradcam: quality of {', '.join(methods)}: {len(measured)} images, {options.quality_steps} steps")
    quality = measure_quality(explainer, measured, options.quality_steps)
    pictures = draw(explainer, groups, cases, predictions, spec.classes, options)

    for stale in MAPS.glob("*.png"):
        stale.unlink()
    for name, picture in pictures.items():
        save_png(MAPS / f"{name}.png", picture)
    write_table("plots/gradcam/faithfulness.csv", quality.curves)
    counts = {kind: len(group) for kind, group in groups.items()} | {"quality_images": len(measured)}
    counts["boxes"] = sum(case.box is not None for case in measured)
    write_json("metrics/gradcam.json", summarize(counts, explainer, cases, quality.metrics, notes + quality.notes))


def describe_members(spec: ModelSpec, memory_mb: int) -> list[Subject]:
    """Load the ensemble to where it computes, and look at each member once."""
    device = pick_device()
    classifiers = [classifier.to(device) for classifier in load_members("models/trained", spec)]
    architectures = [member.architecture for member in spec.members]
    return [
        describe_subject(name, classifier, memory_mb)
        for name, classifier in zip(architectures, classifiers, strict=True)
    ]


def settings_of(params: GradcamParams) -> Settings:
    """Return how finely and how often the methods look."""
    options = params.gradcam
    return Settings(options.cells, options.samples, options.steps, options.noise, params.seed)


def draw(
    explainer: Explainer,
    groups: dict[str, pd.DataFrame],
    cases: dict[int, Case],
    predictions: pd.DataFrame,
    classes: list[str],
    options: GradcamSection,
) -> dict[str, Image.Image]:
    """Return the pictures by name; which there are follows from the parameters alone."""
    pictures = draw_kinds(explainer, groups, cases, classes, options.alpha)
    if options.class_images:
        pictures["classes"] = draw_classes(explainer, predictions, cases, classes, options.class_images, options.alpha)
    if options.feature_maps:
        pictures["features"] = draw_layers(explainer, predictions, options.feature_maps)
    return pictures


def summarize(
    counts: dict[str, int],
    explainer: Explainer,
    cases: dict[int, Case],
    quality: dict[str, dict[str, float]],
    notes: list[str],
) -> dict:
    """Return the content of metrics/gradcam.json; what cannot be said is left out, with a note."""
    methods = {name: dict(values) for name, values in quality.items()}
    for method in explainer.methods:
        blank = sum(not case.maps[method].any() for case in cases.values())
        methods.setdefault(method, {})["blank_maps"] = blank
        if cases:
            methods[method]["blank_share"] = blank / len(cases)
    layers = {
        f"member_{number}": subject.layer.name for number, subject in enumerate(explainer.subjects) if subject.layer
    }
    missing = [] if cases else ["no test images to explain, hence no blank_share and no quality"]
    images = counts | {"explained": len(cases)}
    return {"images": images, "layers": layers, "methods": methods, "notes": notes + missing}


if __name__ == "__main__":
    run_stage(main, GradcamParams)
