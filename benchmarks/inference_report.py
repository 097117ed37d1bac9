"""What benchmarks/inference.py leaves: a Markdown table with the machine, and a plot."""

import os
import platform
from pathlib import Path

import onnxruntime
import pandas as pd
import torch
from matplotlib.figure import Figure

from sightline.drawing.markdown import table as to_table

FEATURES = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "i8mm",
    "bf16",
)
COLORS = {"torch": "#9ca3af", "onnxruntime fp32": "#1d4ed8", "onnxruntime int8": "#15803d"}


def describe_machine() -> list[str]:
    """Return the lines that say on what was measured; what the system does not tell is left out."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    processor = fields.get("model name", platform.machine())
    return [
        f"- Processor: {processor}, {os.cpu_count()} cores",
        f"- Features: {', '.join(name for name in FEATURES if name in flags) or 'none of those that matter'}",
        f"- torch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, Python {platform.python_version()}",
    ]


def write_markdown(path: Path, table: pd.DataFrame, machine: list[str]) -> None:
    """Write the machine, then one row a case, with the ratio to torch of the same case."""
    torch_rate = table[table["runtime"] == "torch"].set_index(["model", "threads", "batch"])["images_per_s"]
    places = pd.MultiIndex.from_frame(table[["model", "threads", "batch"]])
    compared = table.assign(times_torch=(table["images_per_s"].to_numpy() / torch_rate.loc[places].to_numpy()).round(2))
    lines = [*machine, "", *to_table(compared.columns, compared.itertuples(index=False), show=str)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_throughput(path: Path, table: pd.DataFrame) -> None:
    """Draw images a second by batch, a panel for each model and number of threads."""
    panels = list(table.groupby(["model", "threads"], sort=False))
    figure = Figure(figsize=(3.6 * len(panels), 3.2), layout="constrained")
    for axis, ((model, threads), rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for runtime, points in rows.groupby("runtime", sort=False):
            axis.plot(points["batch"], points["images_per_s"], "o-", color=COLORS[runtime], label=runtime)
        axis.set(title=f"{model}, {threads} thread{'s' * (threads > 1)}", xlabel="batch", ylabel="images / s")
        axis.set_xscale("log", base=2)
        batches = sorted(rows["batch"].unique())
        axis.set_xticks(batches, batches)
        axis.set_ylim(bottom=0)
        axis.grid(color="#e5e7eb", linewidth=0.6)
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})
