"""The table of docs/families.md, from the entries of `families.py`."""

from workspace import REPOSITORY

METHODS = ("gradcam", "attention_rollout", "saliency", "occlusion")
VARIANTS = ("fp16", "int8_dynamic", "int8_static")
REPORT = REPOSITORY / "docs/families.md"
EXPORTS = ("export", "export without variants")
NOT_RUN = ""
HEAD = """# Which networks of timm go through

Written by `PYTHONPATH=stages nice python benchmarks/families.py` ([how](../benchmarks/families.py)), not by hand: the
smallest member of each module of `timm.models`, with random weights, through all six stages on 24 images of two classes
for one epoch, with `arithmetic: portable`. It tells what passes, not how well it learns.

{count} networks: {trained} of {tried} train, {explained} of {asked} are explained, {exported} of {written} export; of
these {variants}.

A cell is processor time in seconds, without the seconds that imports take, or what went wrong, told below the table.
`explained` names methods that do not apply. `parity` is the largest difference of a probability between torch and
ONNX Runtime, as a power of ten; fp16 and int8 give the difference for their file. `MiB` is the largest peak of a stage.

| network | module | side | parameters | train | evaluate | explained | export | parity | {names} | MiB |
|---|---|---|---|---|---|---|---|---|{rules}---|
"""


def has_failed(row: dict) -> bool:
    """Tell whether a stage ended with an error."""
    return any("error" in result for result in row["stages"].values())


def describe(row: dict) -> str:
    """Return a line for who watches: what each stage cost, and errors."""
    costs = [f"{stage} {result['seconds']} s {result['mib']} MiB" for stage, result in row["stages"].items()]
    return "; ".join([f"{row['module']}: {row['name']}, {row['side']} px", *costs, *list_errors(row)])


def list_errors(row: dict) -> list[str]:
    """Return what went wrong, by stage, and which files could not be made."""
    errors = [f"{stage}: {result['error']}" for stage, result in row["stages"].items() if "error" in result]
    return errors + [f"{name}: {note}" for name, note in notes_of(row).items()]


def notes_of(row: dict) -> dict[str, str]:
    return exported(row).get("metrics", {}).get("notes", {})


def exported(row: dict) -> dict:
    """Return the export that went well, or the last that was tried."""
    tried = [row["stages"][name] for name in EXPORTS if name in row["stages"]]
    return next((result for result in tried if "metrics" in result), tried[-1] if tried else {})


def write_report(rows: dict[str, dict]) -> None:
    """Write the page."""
    ordered = sorted(rows.values(), key=lambda row: row["module"])
    counts = count(ordered) | count_exports(ordered)
    head = HEAD.format(count=len(ordered), names=" | ".join(VARIANTS), rules="---|" * len(VARIANTS), **counts)
    lines = [to_line(row) for row in ordered]
    errors = [f"- `{row['name']}`: {'; '.join(list_errors(row))}" for row in ordered if list_errors(row)]
    rest = ["", "## What went wrong", "", *errors] if errors else []
    REPORT.write_text(head + "\n".join(lines + rest) + "\n")


def count(rows: list[dict]) -> dict[str, int]:
    """Return how many were tried by train and gradcam, and how many passed."""
    train = [row["stages"]["train"] for row in rows]
    gradcam = [row["stages"]["gradcam"] for row in rows if "gradcam" in row["stages"]]
    return {
        "tried": len(train),
        "trained": sum("metrics" in result for result in train),
        "asked": len(gradcam),
        "explained": sum("metrics" in result for result in gradcam),
    }


def count_exports(rows: list[dict]) -> dict[str, int | str]:
    """Return the same of export, and how many have each variant."""
    results = [exported(row) for row in rows if exported(row)]
    passed = [result["metrics"]["artifacts"] for result in results if "metrics" in result]
    kept = {name: sum(files.get(name, {}).get("kept", False) for files in passed) for name in VARIANTS}
    variants = ", ".join(f"{number} as {name}" for name, number in kept.items())
    return {"written": len(results), "exported": len(passed), "variants": variants}


def to_line(row: dict) -> str:
    """Return a row of the table."""
    stages = row["stages"]
    files = exported(row).get("metrics", {}).get("artifacts", {})
    cells = [f"`{row['name']}`", f"`{row['module']}`", row["side"], f"{row['parameters']:,}"]
    cells += [cost_of(stages.get("train")), cost_of(stages.get("evaluate")), explain(stages.get("gradcam"))]
    cells += [
        cost_of(exported(row)),
        difference(files.get("onnx")),
        *(difference(files.get(name)) for name in VARIANTS),
    ]
    return "| " + " | ".join(map(str, [*cells, max(result["mib"] for result in stages.values())])) + " |"


def cost_of(result: dict | None) -> str:
    if not result:
        return NOT_RUN
    return "**failed**" if "error" in result else f"{result['seconds']:.0f}"


def explain(result: dict | None) -> str:
    """Return the cost, and which methods do not apply."""
    if not result or "error" in result:
        return cost_of(result)
    missing = [method for method in METHODS if method not in result["metrics"]["methods"]]
    return cost_of(result) + (f", not {', '.join(missing)}" if missing else "")


def difference(file: dict | None) -> str:
    if not file:
        return NOT_RUN
    return f"{file['max_probability_difference']:.0e}" if file.get("kept") else "**failed**"
