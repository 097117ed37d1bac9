"""Walk a stage's imports, as `deps` in dvc.yaml must name them."""

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
            waiting += [_file_of(module) for module in _modules(path)]
    return found


def _modules(path: Path) -> set[str]:
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


def _file_of(module: str) -> Path:
    path = ROOT / "stages" / Path(*module.split(".")).with_suffix(".py")
    assert path.is_file(), f"import {module}: import from the module itself, not from its package"
    return path
