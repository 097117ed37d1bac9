"""All windows that were ever judged, in one file."""

from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, write_json
from sightline.monitoring.windows import Window


def read_history(path: Path, model: str, size: int) -> list[Window]:
    """Read the windows; none where there is no file yet.

    Raises
    ------
    SightlineError
        The file is damaged, or was written of another model or windows of another size.
    """
    if not path.exists():
        return []
    content = read_json(path)
    try:
        if (content["model"], content["window"]) != (model, size):
            raise SightlineError(
                f"{path}: of model {content['model'][:16]} and windows of {content['window']} images: "
                f"name another folder by --out, or delete it"
            )
        return [Window(**window) for window in content["windows"]]
    except (KeyError, TypeError):
        raise SightlineError(f"{path}: not what `make monitor` writes: delete it") from None


def write_history(path: Path, model: str, size: int, windows: list[Window]) -> None:
    """Write the windows."""
    write_json(path, {"model": model, "window": size, "windows": [window._asdict() for window in windows]})
