"""Label Studio's JSON export: tasks with all annotations of each."""

from collections import Counter
from collections.abc import Iterable

from sightline.common.errors import SightlineError
from sightline.images.sources.label_tools.choosing import choose
from sightline.images.sources.label_tools.label_studio import AGREEMENT, KINDS, TOOL, choices_in, image_key
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import Naming
from sightline.images.sources.records.records import as_text


def is_tasks(content: object) -> bool:
    """Tell whether a JSON file is a full export."""
    first = content[0] if isinstance(content, list) and content else None
    known = {"annotations", "completions", "predictions"}
    return isinstance(first, dict) and isinstance(first.get("data"), dict) and bool(known & first.keys())


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
    key = image_key([task["data"] for task in tasks], naming, where)
    images = []
    for place, task in enumerate(tasks):
        cells = {name: value for name, value in task["data"].items() if name not in (key, AGREEMENT)}
        image = TaggedImage(as_text(task["data"].get(key)), cells=cells)
        image.votes = [vote for item in results[place] if (vote := _vote(item, control)).labels]
        image.reason = _reason(results[place], control)
        images.append(image)
    repeated = sum(count > 1 for count in Counter(image.name for image in images).values())
    if repeated:
        notes.append(f"{where}: {repeated:,} images have several tasks, whose annotations count together")
    return Annotations(TOOL, control, images, notes)


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
    chosen = [label for mark in marks for label in choices_in(mark.get("value"))]
    moment = as_text(item.get("updated_at") or item.get("created_at"))
    who = _annotator(item.get("completed_by"))
    return Vote(tuple(sorted(set(chosen))), who, moment, bool(item.get("ground_truth")))


def _annotator(who: object) -> str:
    """Return an annotator's e-mail, else name and number, else the number, as far as the export tells."""
    if not isinstance(who, dict):
        return as_text(who)
    name = " ".join(part for key in ("first_name", "last_name") if (part := as_text(who.get(key))))
    number = as_text(who.get("id"))
    named = f"{name} ({number})" if name and number else name or number
    return as_text(who.get("email")) or named


def _reason(items: list[dict], control: str) -> str:
    if not items:
        return "not annotated"
    return f"no choice in {control!r}" if any(map(_is_submitted, items)) else "skipped by its annotators"
