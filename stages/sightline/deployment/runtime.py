"""ONNX Runtime, imported so that it tells its maker nothing: from here alone."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is loaded

# isort: split
import onnxruntime

__all__ = ["onnxruntime"]
