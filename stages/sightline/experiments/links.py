"""Copies of the repository that link to DVC's cache, since copies of gigabytes would fill the disk."""

from pathlib import Path

from configobj import ConfigObj
from dvc.dirs import system_config_dir

from sightline.common.files import replacing

FOLDER = Path(".dvc/tmp/sightline_config")
TYPES = "reflink,hardlink,symlink,copy"  # the first that the file system can do


def link_to_cache(root: Path) -> dict[str, str]:
    """Return variables with which `dvc` links where no configuration says otherwise.

    The lowest of DVC's levels of configuration, that of the system, is replaced by a copy of it with one more entry: so
    a `cache.type` of the user or the repository keeps its word.
    """
    config = ConfigObj(str(Path(system_config_dir()) / "config"), list_values=False)
    config.setdefault("cache", {}).setdefault("type", TYPES)
    with replacing(root / FOLDER / "config") as beside, beside.open("wb") as stream:
        config.write(stream)
    return {"DVC_SYSTEM_CONFIG_DIR": str((root / FOLDER).resolve())}
