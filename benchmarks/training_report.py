"""The results as JSON and as Markdown tables."""

import json
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sightline.drawing.markdown import table

PACKAGES = ("torch", "torchvision", "timm", "accelerate", "numpy", "pillow")


def summarize(
    rates: dict[str, list[float]], memory: dict[str, dict[str, float]], targets: dict[str, float]
) -> list[dict[str, Any]]:
    """Return one row a contender, the first of which is compared with all others.

    Parameters
    ----------
    rates : dict of str to list of float
        Images a second of each contender's windows, as many for all of them.
    memory : dict of str to dict
        Peak resident MiB and mapped MiB of each contender.
    targets : dict of str to float
        How many times as fast as a contender the first one must be.

    Returns
    -------
    list of dict
        contender, images_per_second (median), lowest, highest; of the others also ratio: the median over rounds of
        the first one's rate divided by theirs, with its range and target, and memory_ratio: its peak memory, without
        what is mapped, divided by theirs.
    """
    subject = next(iter(rates))
    rows = []
    for name, windows in rates.items():
        row = {"contender": name, "images_per_second": statistics.median(windows)}
        row |= {"lowest": min(windows), "highest": max(windows), "windows": len(windows), **memory[name]}
        if name != subject:
            ratios = [mine / theirs for mine, theirs in zip(rates[subject], windows, strict=True)]
            row |= {"ratio": statistics.median(ratios), "ratio_lowest": min(ratios), "ratio_highest": max(ratios)}
            row["target"] = targets.get(name)
            row["memory_ratio"] = own_memory(memory[subject]) / own_memory(memory[name])
        rows.append(row)
    return rows


def own_memory(memory: dict[str, float]) -> float:
    """Return the peak without the stored arrays that are mapped into memory, in MiB."""
    return memory["peak"] - memory["mapped"]


def environment() -> dict[str, Any]:
    """Return what the numbers depend on."""
    import torch

    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {
        "cpu": cpu,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: version(name) for name in PACKAGES},
    }


def write_results(results: dict[str, Any], folder: Path) -> str:
    """Write training.json and training.md into a folder; return the latter's text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "training.json").write_text(json.dumps(results, indent=2) + "\n")
    head = ", ".join(f"{key}: {value}" for key, value in results["environment"].items() if key != "packages")
    versions = ", ".join(f"{name} {number}" for name, number in results["environment"]["packages"].items())
    text = "\n\n".join([f"{head}; {versions}", *map(to_table, results["tables"].values())]) + "\n"
    (folder / "training.md").write_text(text)
    return text


def to_table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table; a cell stays empty where a row lacks the column."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return "\n".join(table(columns, ([row.get(column) for column in columns] for row in rows), format_measured))


def format_measured(value: Any) -> str:
    """Return a cell: three digits of a fraction, all digits of a large number."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)
