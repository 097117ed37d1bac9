"""A model repository as NVIDIA's Triton and KServe read it: a folder of numbered versions, and what goes in and out."""

from sightline.deployment.graph import INPUT, OUTPUT
from sightline.networks.saved import ModelSpec

NAME = "classifier"  # as the model is called in dvc.yaml's artifacts
VERSION = 1
LARGEST_BATCH = 64  # what Triton gathers at most
CONFIG = """name: "{name}"
platform: "onnxruntime_onnx"
max_batch_size: {largest}
input [ {{ name: "{input}" data_type: TYPE_UINT8 dims: [ {size}, {size}, {channels} ] }} ]
output [ {{ name: "{output}" data_type: TYPE_FP32 dims: [ {classes} ] label_filename: "labels.txt" }} ]
dynamic_batching {{ }}
"""


def make_repository(graph: bytes, labels: str, spec: ModelSpec) -> dict[str, bytes]:
    """Return the files of a repository with one version, by their path below models/exported.

    Parameters
    ----------
    graph : bytes
        model.onnx.
    labels : str
        Class names, one a line.
    """
    size, classes = spec.preprocessing.image_size, len(spec.classes)
    about = {"name": NAME, "largest": LARGEST_BATCH, "input": INPUT, "output": OUTPUT}
    config = CONFIG.format(**about, size=size, channels=spec.channels, classes=classes)
    folder = f"triton/{NAME}"
    return {
        f"{folder}/config.pbtxt": config.encode(),
        f"{folder}/labels.txt": labels.encode(),
        f"{folder}/{VERSION}/model.onnx": graph,
    }
