"""The layout of stages/: which room may import which, what paints, and how large folders and files are."""

import ast
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from imports import ROOT, imported_modules

STAGES = ROOT / "stages"
FLOORS = [  # from the ground up; a room within one that is named, such as images.sources, stands on its floor
    {"arguments", "common"},
    {"parameters", "experiments"},
    {"drawing", "training.augmentation"},
    {"images"},
    {"preparing", "splitting", "networks.architectures"},
    {"networks"},
    {"training.recipe", "scoring.metrics", "explaining.methods"},
    {"training", "scoring", "explaining", "deployment"},
    {"explaining.quality", "explaining.pictures", "deployment.card"},
    {
        "drifting",
        "fetching",
        "few_shot",
        "labelling",
        "pretraining",
        "reporting",
        "reviewing",
        "serving",
        "surveying",
        "tuning",
    },
    {"gating", "tracking", "monitoring"},
    {"sweeping", "retraining"},
]
PAINTERS = {  # besides drawing/ and explaining/pictures/, which have the colours, the letters and the tiles
    "sightline/scoring/charts.py",
    "sightline/reporting/pictures.py",
    "sightline/reporting/report.py",  # hands figures on
    "sightline/drifting/present.py",
}
SIX = ("prepare", "split", "train", "evaluate", "gradcam", "export")
MOST_FILES = 17
MOST_LINES = 200


def files() -> list[Path]:
    return sorted(STAGES.rglob("*.py"))


def room_of(module: str) -> str:
    return ".".join(module.split(".")[1:-1])


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(STAGES).with_suffix("").parts)


def floor_of(room: str) -> int:
    while room:
        for number, rooms in enumerate(FLOORS):
            if room in rooms:
                return number
        room = room.rpartition(".")[0]
    raise KeyError("a room without a floor: give it one in FLOORS")


def may_import(importer: str, imported: str) -> bool:
    """Tell whether a room may import from another: downwards, or within its own wing on the same floor."""
    if floor_of(importer) == floor_of(imported):
        return importer.partition(".")[0] == imported.partition(".")[0]
    return floor_of(importer) > floor_of(imported)


def all_imports(path: Path) -> set[str]:
    """Return whatever a file imports: modules, and names as module.name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_modules_import_in_no_circle():
    graph = {module_of(path): imported_modules(path) for path in (STAGES / "sightline").rglob("*.py")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' <- '.join(error.args[1])}")


def test_rooms_import_downwards():
    upwards = [
        f"{module_of(path)} imports {module}"
        for path in sorted((STAGES / "sightline").rglob("*.py"))
        for module in sorted(imported_modules(path))
        if not may_import(room_of(module_of(path)), room_of(module))
    ]
    assert upwards == []


def test_every_room_on_a_floor_is_there():
    assert {
        room for rooms in FLOORS for room in rooms if not (STAGES / "sightline" / room.replace(".", "/")).is_dir()
    } == set()


def test_scripts_import_no_other_script():
    scripts = {path.stem for path in STAGES.glob("*.py")}
    assert {path.name: all_imports(path) & scripts for path in files() if all_imports(path) & scripts} == {}


def test_pictures_are_painted_in_few_places():
    paints = {
        path.relative_to(STAGES).as_posix()
        for path in files()
        if any(name.startswith(("matplotlib", "PIL.ImageDraw", "PIL.ImageFont")) for name in all_imports(path))
    }
    in_rooms = {name for name in paints if name.startswith(("sightline/drawing/", "sightline/explaining/pictures/"))}
    assert paints - in_rooms == PAINTERS


def test_folders_and_files_stay_small():
    folders = {path.parent for path in files()} - {STAGES}  # which has a script a command
    counts = {folder.relative_to(ROOT).as_posix(): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files()}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_design_md_names_every_script_and_every_room():
    told = (ROOT / "docs/design.md").read_text()
    scripts = {path.name for path in STAGES.glob("*.py") if path.stem not in SIX}
    rooms = {path.parent.name for path in STAGES.glob("sightline/*/__init__.py")}
    assert {name for name in scripts | rooms if not re.search(rf"[`/]{re.escape(name)}`", told)} == set()


def test_no_two_test_files_share_a_name():
    """pytest imports them by name alone, and would collect one of the two."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
