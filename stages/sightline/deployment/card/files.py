"""The part of the model card about its files: what they cost, how far they agree with torch, what they are made of."""

from sightline.deployment.graph import INPUT, OUTPUT
from sightline.networks.saved import ModelSpec

REVISED = {"images": "data/prepared/index.csv", "split": "data/split/split.csv", "weights": "models/trained"}


def describe_files(spec: ModelSpec, export: dict) -> list[str]:
    """Return the lines on the exported files; `export` is the content of metrics/export.json."""
    size, how = spec.preprocessing.image_size, spec.preprocessing
    return [
        *_table(export["artifacts"]),
        "",
        f"- ONNX operator set {export['opset']}; `labels.txt` names the classes in order.",
        f"- In: `{INPUT}` uint8 [batch, {size}, {size}, 3], RGB, fitted by `{how.fit}` with the `{how.resample}` "
        f"filter. Out: `{OUTPUT}` float32 [batch, {len(spec.classes)}].",
        "- Normalisation, test-time augmentation, calibration and softmax are inside; the class names and how to make "
        "the pixels are in the metadata of the ONNX files (`classes`, `preprocessing`).",
        f"- {_describe_costs(export)}",
        *_describe_pruning(export),
        *_describe_parity(export),
        *[f"- {about}: {note.rstrip('.')}." for about, note in export.get("notes", {}).items()],
    ]


def describe_revision(export: dict) -> list[str]:
    """Return the lines on what exactly the model was made from."""
    revision = export["revision"]
    return [
        "| what | SHA-256 begins with |",
        "|---|---|",
        *[f"| {what}: `{REVISED[what]}` | `{digest}` |" for what, digest in revision.items()],
        "",
        "The commit of this model, of its parameters (`params.yaml`) and of all data's hashes (`dvc.lock`) is found by "
        f"`git log -S {revision['weights']} -- metrics/export.json`.",
    ]


def _table(artifacts: dict[str, dict]) -> list[str]:
    lines = ["| file | bytes | in a zip | decisions that differ | largest difference of a probability | accuracy |"]
    lines.append("|---|---|---|---|---|---|")
    for key, found in artifacts.items():
        cost = [f"{found['bytes']:,}", f"{found['bytes_zipped']:,}"] if found["kept"] else ["left out", "-"]
        agreement = ["-"] * 3
        if "accuracy" in found:
            difference, accuracy = f"{found['max_probability_difference']:.1e}", f"{found['accuracy']:.4f}"
            agreement = [str(found["decision_flips"]), difference, accuracy]
        lines.append(f"| {' | '.join([key, *cost, *agreement])} |")
    return lines


def _describe_costs(export: dict) -> str:
    peak = export.get("peak_activation_bytes")
    memory = f", {peak / 2**20:.2f} MiB for intermediate results" if peak is not None else ""
    return f"One image takes {export['macs']:,} multiply-adds in convolutions and matrix products{memory}."


def _describe_pruning(export: dict) -> list[str]:
    if "pruning" not in export:
        return []
    found = export["pruning"]
    change = f"accuracy {found['accuracy_before']:.4f} before and {found['accuracy_after']:.4f} after"
    kept = "" if found["kept"] else ": too much, so nothing is pruned"
    return [f"- Pruning {found['share']:.0%} of the weights: {change}{kept}."]


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
