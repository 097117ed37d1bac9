"""Every file of the model: made, compared with torch on the same images, and kept or left out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from torch.export import ExportedProgram

from sightline.common.errors import SightlineError
from sightline.deployment.cost import count_compressed
from sightline.deployment.failures import reason_of, refusing
from sightline.deployment.formats import FORMATS, RUNNERS, Runner
from sightline.deployment.parity import bound_difference, compare_probabilities, list_flipped, predict_all, refuse_flips
from sightline.deployment.source_files import ParityImages
from sightline.deployment.variants import VARIANTS, TrainingImages
from sightline.networks.decider import Decider

MODEL = "model.onnx"
ANOTHER_OPSET = "try another `export.opset`"
UNJUDGED = "left out: without validation or test images nobody knows what it costs in accuracy"


@dataclass
class Artifacts:
    """Files by name, and why others are missing.

    Parameters
    ----------
    exact, lossy : dict
        File name -> content. Those of full precision must decide as torch does; the others may lose a little.
    notes : dict
        File name -> why it is left out.
    """

    exact: dict[str, bytes]
    lossy: dict[str, bytes]
    notes: dict[str, str]

    def files(self) -> dict[str, bytes]:
        return self.exact | self.lossy

    def leave_out(self, name: str, reason: str) -> None:
        del self.lossy[name]
        self.notes[name] = reason


def make_artifacts(
    graph: bytes,
    decider: Decider,
    program: ExportedProgram,
    formats: list[str],
    quantize: list[str],
    measured: TrainingImages,
) -> Artifacts:
    """Make the chosen files besides model.onnx; one that cannot be made is left out with a note."""
    made = Artifacts({MODEL: graph}, {}, {})
    for name in formats:
        _make(f"model.{name}", partial(FORMATS[name], decider, program), made.exact, made.notes)
    for name in quantize:
        _make(f"model_{name}.onnx", partial(VARIANTS[name], graph, measured), made.lossy, made.notes)
    return made


def _make(file: str, build: Callable[[], bytes], files: dict[str, bytes], notes: dict[str, str]) -> None:
    print(f"export: making {file}")
    try:
        files[file] = build()
    except Exception as error:  # converters meet odd networks with whatever their code happens to raise
        notes[file] = f"left out: cannot be made of this network: {reason_of(error)}"


def judge_artifacts(
    made: Artifacts,
    trained: np.ndarray | None,
    images: ParityImages | None,
    classes: list[str],
    max_accuracy_drop: float,
) -> tuple[dict[str, dict], list[tuple]]:
    """Compare each file with torch, and leave out what loses more accuracy than allowed.

    Parameters
    ----------
    trained : ndarray
        float32 [n, classes], torch's probabilities of the stored pixels.
    images : ParityImages or None
        The same images, which the files get decoded again; without any, nothing is compared, and only what has full
        precision is kept.

    Returns
    -------
    dict, list
        File name -> metrics, also of files that are left out; rows of `FLIPPED_COLUMNS`.

    Raises
    ------
    SightlineError
        A file of full precision decides differently on some image.
    """
    if images is None:
        leave_out_unjudged(made)
        return {}, []
    compared = images.compared
    print(f"export: parity of {', '.join(made.files())}: {len(compared.ids)} images")
    runners = open_runners(made, images.pixels[:1])
    predicted = predict_all(runners, images.decoded(), len(compared.ids))
    metrics = {}
    flips = []
    accuracy = compare_probabilities(trained, trained, compared.labels)["accuracy"]
    for name, probabilities in predicted.items():
        if name in made.lossy and not np.isfinite(probabilities).all():
            made.leave_out(name, "left out: some probabilities are not finite")
            continue
        flipped = list_flipped(name, trained, probabilities, compared, classes)
        if name in made.exact:
            refuse_flips(flipped, len(compared.ids))
        metrics[name] = compare_probabilities(trained, probabilities, compared.labels)
        flips += flipped
        drop = accuracy - metrics[name]["accuracy"]
        if name in made.lossy and drop > max_accuracy_drop:
            made.leave_out(name, f"left out: accuracy falls by {drop:.4f}, more than export.max_accuracy_drop")
    return metrics, flips


def open_runners(made: Artifacts, pixels: np.ndarray) -> dict[str, Runner]:
    """Return what runs each file, tried on `pixels`; one that loses accuracy anyway is left out if nothing does."""
    runners = {}
    for name, content in made.files().items():
        try:
            with refusing(f"models/exported/{name}: not written: its run-time cannot run it", ANOTHER_OPSET):
                runner = RUNNERS[Path(name).suffix](content)
                runner(pixels)
            runners[name] = runner
        except SightlineError as error:
            if name in made.exact:
                raise
            made.leave_out(name, f"left out: {error}")
    return runners


def leave_out_unjudged(made: Artifacts) -> None:
    """Leave out what may lose accuracy when there is nothing to measure it on."""
    for name in list(made.lossy):
        made.leave_out(name, UNJUDGED)


def summarize_files(made: Artifacts, compared: dict[str, dict]) -> dict[str, dict]:
    """Return name -> metrics of all files that were tried: whether kept, their bytes, and what was compared.

    The names lose their dot, which `dvc metrics diff` would take for a level.
    """
    kept = {
        name: {"kept": True, "bytes": len(content), "bytes_zipped": count_compressed(content)}
        for name, content in made.files().items()
    }
    left = {name: {"kept": False} for name in made.notes}
    return {key_of(name): metrics | _bound(compared.get(name, {})) for name, metrics in (kept | left).items()}


def _bound(compared: dict) -> dict:
    key = "max_probability_difference"
    return compared | {key: bound_difference(compared[key])} if key in compared else compared


def key_of(name: str) -> str:
    """Return a file's key in the metrics: model.onnx -> onnx, model_fp16.onnx -> fp16, model.pt2 -> pt2."""
    stem, _, suffix = name.partition(".")
    variant = stem.partition("_")[2]
    return variant if variant else suffix
