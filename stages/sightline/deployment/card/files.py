"""The part of the model card about its files: what they cost, how far they agree with torch, what they are made of."""

from sightline.deployment.graph import INPUT, OUTPUT
from sightline.drawing.markdown import table
from sightline.networks.saved import ModelSpec

COLUMNS = (
    "file",
    "bytes",
    "in a zip",
    "decisions that differ",
    "a probability differs by at most",
    "accuracy",
)
HASHED = {"images": "data/prepared/index.csv", "split": "data/split/split.csv", "weights": "models/trained"}


def describe_files(spec: ModelSpec, export: dict) -> list[str]:
    """Return the lines on the exported files; `export` is the content of metrics/export.json."""
    preprocessing = spec.preprocessing
    size = preprocessing.image_size
    colors = "RGB" if preprocessing.bands == 3 else "grey"
    return [
        *table(COLUMNS, [_describe_file(key, file) for key, file in export["artifacts"].items()]),
        "",
        f"- ONNX operator set {export['opset']}; `labels.txt` names the classes in order.",
        f"- In: `{INPUT}` uint8 [batch, {size}, {size}, {preprocessing.bands}], {colors}, fitted by "
        f"`{preprocessing.fit}` with the `{preprocessing.resample}` filter. "
        f"Out: `{OUTPUT}` float32 [batch, {len(spec.classes)}].",
        "- Normalisation, test-time augmentation, calibration and softmax are inside; the class names, how to make the "
        "pixels and when to abstain are in the metadata of the ONNX files (`classes`, `preprocessing`, `decision`).",
        f"- {_describe_costs(export)}",
        *_describe_pruning(export),
        *_describe_parity(export),
        *[f"- {about}: {note.rstrip('.')}." for about, note in export.get("notes", {}).items()],
    ]


def describe_provenance(export: dict) -> list[str]:
    """Return the lines on what exactly the model was made from."""
    digests = export["revision"]
    rows = [(f"{name}: `{HASHED[name]}`", f"`{digest}`") for name, digest in digests.items()]
    return [
        *table(("what", "SHA-256 begins with"), rows),
        "",
        "The commit of this model, of its parameters (`params.yaml`) and of all data's hashes (`dvc.lock`) is found by "
        f"`git log -S {digests['weights']} -- metrics/export.json`.",
    ]


def _describe_file(key: str, file: dict) -> tuple:
    """Return a row of `COLUMNS`."""
    cost = (file["bytes"], file["bytes_zipped"]) if file["kept"] else ("left out", None)
    if "accuracy" not in file:
        return (key, *cost, None, None, None)
    return (key, *cost, file["decision_flips"], f"{file['max_probability_difference']:.1e}", file["accuracy"])


def _describe_costs(export: dict) -> str:
    peak = export.get("peak_activation_bytes")
    memory = f", {peak / 2**20:.2f} MiB for intermediate results" if peak is not None else ""
    return f"One image takes {export['macs']:,} multiply-adds in convolutions and matrix products{memory}."


def _describe_pruning(export: dict) -> list[str]:
    if "pruning" not in export:
        return []
    pruning = export["pruning"]
    change = f"accuracy {pruning['accuracy_before']:.4f} before and {pruning['accuracy_after']:.4f} after"
    kept = "" if pruning["kept"] else ": too much, so nothing is pruned"
    return [f"- Pruning {pruning['share']:.0%} of the weights: {change}{kept}."]


def _describe_parity(export: dict) -> list[str]:
    parity = export.get("parity")
    if parity is None:
        return ["- Not compared with torch: there are no validation or test images."]
    again = (
        "decoded again from their files" if parity["decoded_again"] else "as stored, since their files were not here"
    )
    return [
        f"- Compared with torch on {parity['images']:,} {parity['subset']} images, {again}; torch's accuracy is "
        f"{parity['accuracy_torch']:.4f}."
    ]
