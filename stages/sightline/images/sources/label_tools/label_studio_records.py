"""Label Studio's JSON-MIN, CSV and TSV exports: one record an annotation."""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sightline.images.sources.label_tools.choosing import choose
from sightline.images.sources.label_tools.label_studio import AGREEMENT, TOOL, choices_in, image_key
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import Naming
from sightline.images.sources.records.records import as_text

# keys that tell of the annotation, not of the image
ABOUT_ANNOTATION = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", AGREEMENT)


def is_records(content: object) -> bool:
    """Tell whether a JSON file is a JSON-MIN export."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and is_record(first)


def is_record(names: Collection[str]) -> bool:
    """Tell whether keys or columns are those of one annotation in JSON-MIN, CSV or TSV."""
    return {"annotation_id", "annotator"} <= set(names)


def read_records(records: list[dict], naming: Naming, where: str) -> Annotations:
    """Read a JSON-MIN export: the controls stand between `id` and `annotator`, as its converter writes them."""
    controls = {name for record in records for name in _between(record)}
    return _read_votes(records, controls, controls, naming, where)


def read_rows(rows: list[dict[str, str]], naming: Naming, where: str) -> Annotations:
    """Read a CSV or TSV export, where controls are columns like any other; several choices are JSON.

    What differs between the annotations of one image tells nothing of the image.
    """
    records = []
    said = defaultdict(set)
    for row in rows:
        records.append({name: _parsed(cell) for name, cell in row.items()})
        for name, cell in row.items():
            said[row["id"], name].add(cell)
    differing = {name for (_, name), cells in said.items() if len(cells) > 1}
    return _read_votes(records, {name for row in rows for name in row}, differing, naming, where)


def _parsed(cell: str) -> object:
    """Return what several choices are in JSON, any other cell as it is."""
    try:
        return json.loads(cell) if cell.startswith(("{", "[")) else cell
    except ValueError:
        return cell


def _read_votes(records: list[dict], controls: set[str], hidden: set[str], naming: Naming, where: str) -> Annotations:
    """Read a vote from each record: the class is one of the `controls`; columns that are not `hidden` are kept."""
    known = {"image", naming.path, *ABOUT_ANNOTATION}
    chosen = {name for record in records for name in controls & record.keys() if choices_in(record[name])}
    control = choose(chosen - known, naming, where, "choices", ())
    key = image_key([_cells(record, control) for record in records], naming, where)
    images = []
    for record in records:
        vote = Vote(choices_in(record.get(control)), as_text(record["annotator"]), as_text(record.get("updated_at")))
        cells = {name: value for name, value in _cells(record, control).items() if name not in {key, *hidden}}
        image = TaggedImage(as_text(record.get(key)), [vote] if vote.labels else [], cells)
        image.reason = "not annotated" if record["annotation_id"] in (None, "") else f"no choice in {control!r}"
        images.append(image)
    return Annotations(TOOL, control, images)


def _between(record: dict[str, Any]) -> list[str]:
    names = list(record)
    start = names.index("id") + 1 if "id" in names else 0
    return names[start : names.index("annotator")]


def _cells(record: dict[str, Any], control: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in (control, *ABOUT_ANNOTATION)}
