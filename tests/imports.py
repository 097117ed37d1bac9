"""Walk a stage's imports, as `deps` in dvc.yaml must name them: each module, or a folder of which all are imported."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def imported_files(script: Path) -> set[str]:
    """Return the script and every sightline module that it imports, directly or not, relative to the repository."""
    found, waiting = set(), [script]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(ROOT).as_posix()
        if name not in found:
            found.add(name)
            waiting += [_file_of(module) for module in imported_modules(path)]
    return found


def imported_modules(path: Path) -> set[str]:
    """Return the sightline modules that a file imports, also inside functions and under TYPE_CHECKING."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert all(alias.name != "*" for alias in node.names), f"{path}: star import"
            names = [node.module]
        else:
            continue
        modules |= {name for name in names if name.split(".")[0] == "sightline"}
    return modules


def expand(deps: list[str]) -> list[str]:
    """Return the modules that deps name, those below a folder too."""
    return [file for dep in deps for file in (_modules_below(ROOT / dep) if (ROOT / dep).is_dir() else [dep])]


def collapse(files: set[str], folder: Path = ROOT / "stages") -> list[str]:
    """Return sorted deps for imported files: a folder in place of its modules where all of them are imported."""
    below = set(_modules_below(folder))
    if below and below <= files:
        return [folder.relative_to(ROOT).as_posix()]
    here = [file for file in files if (ROOT / file).parent == folder]
    folders = [path for path in folder.iterdir() if path.is_dir()]
    return sorted(here + [dep for path in folders for dep in collapse(files, path)])


def _modules_below(folder: Path) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in folder.rglob("*.py") if path.name != "__init__.py"]


def _file_of(module: str) -> Path:
    path = ROOT / "stages" / Path(*module.split(".")).with_suffix(".py")
    assert path.is_file(), f"import {module}: import from the module itself, not from its package"
    return path
