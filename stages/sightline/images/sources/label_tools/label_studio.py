"""Label Studio: its JSON export with all annotations; JSON-MIN, CSV and TSV, with one record an annotation."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.label_tools.choosing import choose
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.names import IMAGE_SUFFIXES
from sightline.images.sources.naming import Naming
from sightline.images.sources.records.records import as_text

KINDS = ("choices", "taxonomy")  # of controls
# keys that tell of an annotation, not of the image; agreement is that of some editions, and of our own column
ABOUT_ANNOTATION = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")


def is_tasks(content: object) -> bool:
    """Tell whether a JSON file is a full export."""
    first = content[0] if isinstance(content, list) and content else None
    known = {"annotations", "completions", "predictions"}
    return isinstance(first, dict) and isinstance(first.get("data"), dict) and bool(known & first.keys())


def is_records(content: object) -> bool:
    """Tell whether a JSON file is a JSON-MIN export."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and is_record(first)


def is_record(names: Collection[str]) -> bool:
    """Tell whether keys or columns are those of one annotation in JSON-MIN, CSV or TSV."""
    return {"annotation_id", "annotator"} <= set(names)


def read_tasks(tasks: list[dict], naming: Naming, where: str) -> Annotations:
    """Read a full export: each annotator's choice in one control.

    Cancelled annotations do not count. Predictions do only where nothing at all was annotated.
    """
    notes = []
    results = {place: _annotations(task) for place, task in enumerate(tasks)}
    predicted = not any(_is_submitted(item) for items in results.values() for item in items)
    if predicted and any(task.get("predictions") for task in tasks):
        results = {place: _predictions(task) for place, task in enumerate(tasks)}
        notes.append(f"{where}: nobody annotated it: the labels are predictions of a model")
    counted = [item for items in results.values() for item in items if _is_submitted(item)]
    if not any(item["result"] for item in counted):
        raise SightlineError(f"{where}: none of its {len(tasks)} tasks is annotated: export a project with labels")
    control = choose(_controls(counted), naming, where, "choices", _other_controls(counted))
    key = _image_key([task["data"] for task in tasks], naming, where)
    images = []
    for place, task in enumerate(tasks):
        image = TaggedImage(as_text(task["data"].get(key)), cells=_cells(task["data"], key))
        image.votes = [vote for item in results[place] if (vote := _vote(item, control)).labels]
        image.reason = _reason(results[place], control)
        images.append(image)
    repeated = sum(count > 1 for count in Counter(image.name for image in images).values())
    if repeated:
        notes.append(f"{where}: {repeated:,} images have several tasks, whose annotations count together")
    return Annotations(f"Label Studio, {control!r}", images, notes)


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
    chosen = {name for record in records for name in controls & record.keys() if _choices(record[name])}
    control = choose(chosen - known, naming, where, "choices", ())
    key = _image_key([_cells(record, control) for record in records], naming, where)
    images = []
    for record in records:
        vote = Vote(_choices(record.get(control)), as_text(record["annotator"]), as_text(record.get("updated_at")))
        cells = {name: value for name, value in _cells(record, control).items() if name not in {key, *hidden}}
        image = TaggedImage(as_text(record.get(key)), [vote] if vote.labels else [], cells)
        image.reason = "not annotated" if record["annotation_id"] in (None, "") else f"no choice in {control!r}"
        images.append(image)
    return Annotations(f"Label Studio, {control!r}", images)


def _annotations(task: dict) -> list[dict]:
    return [item for item in task.get("annotations", task.get("completions")) or [] if isinstance(item, dict)]


def _predictions(task: dict) -> list[dict]:
    items = [item for item in task.get("predictions") or [] if isinstance(item, dict)]
    return [{**item, "completed_by": item.get("model_version")} for item in items]


def _is_submitted(item: dict) -> bool:
    return not (item.get("was_cancelled") or item.get("skipped"))


def _controls(items: Iterable[dict]) -> set[str]:
    return {mark["from_name"] for item in items for mark in item["result"] or [] if mark.get("type") in KINDS}


def _other_controls(items: Iterable[dict]) -> list[str]:
    kinds = Counter(mark.get("type") for item in items for mark in item["result"] or [] if "from_name" in mark)
    return [f"{count} {kind}" for kind, count in sorted(kinds.items(), key=str)]


def _vote(item: dict, control: str) -> Vote:
    if not _is_submitted(item):
        return Vote(())
    marks = [mark for mark in item["result"] or [] if mark.get("from_name") == control]
    chosen = [label for mark in marks for label in _choices(mark.get("value"))]
    who = item.get("completed_by")
    who = who.get("id", who.get("email")) if isinstance(who, dict) else who
    moment = as_text(item.get("updated_at") or item.get("created_at"))
    return Vote(tuple(sorted(set(chosen))), as_text(who), moment, bool(item.get("ground_truth")))


def _choices(value: object) -> tuple[str, ...]:
    """Return what was chosen; steps of a choice within another are joined by slashes."""
    marks = value if isinstance(value, list) else [value]
    chosen = [choice for mark in marks for choice in (_chosen(mark) if isinstance(mark, dict) else [mark])]
    texts = ("/".join(map(str, choice)) if isinstance(choice, list) else as_text(choice) for choice in chosen)
    return tuple(sorted(set(filter(None, texts))))


def _chosen(value: dict[str, list]) -> list:
    return next((value[kind] for kind in KINDS if kind in value), [])


def _reason(items: list[dict], control: str) -> str:
    if not items:
        return "not annotated"
    return f"no choice in {control!r}" if any(map(_is_submitted, items)) else "skipped by its annotators"


def _cells(data: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in (key, *ABOUT_ANNOTATION)}


def _between(record: dict[str, Any]) -> list[str]:
    names = list(record)
    start = names.index("id") + 1 if "id" in names else 0
    return names[start : names.index("annotator")]


def _image_key(data: list[dict], naming: Naming, where: str) -> str:
    """Return the key of the data that names the image: the one that is told, `image`, or the only one that may."""
    keys = {key for task in data for key in task}
    if "path" in naming.changed():
        if naming.path not in keys:
            found = quote_some(sorted(keys))
            raise SightlineError(f"{where}: no task has {naming.path!r} in its data (found: {found}): set prepare.path")
        return naming.path
    if "image" in keys:
        return "image"
    named = sorted({key for task in data for key, value in task.items() if _names_image(value)})
    if len(named) == 1:
        return named[0]
    raise SightlineError(
        f"{where}: which of the data {quote_some(sorted(keys))} names the image is not clear: say so by prepare.path"
    )


def _names_image(value: object) -> bool:
    parts = value.lower().split("?") if isinstance(value, str) else []
    return any(part.endswith(tuple(IMAGE_SUFFIXES)) for part in parts)
