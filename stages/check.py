"""Check all of params.yaml, so that a bad value for the last stage shows before the first one starts.

Reads   params.yaml     every key, also those of other stages
        data/raw        whether `prepare.source` or `unlabelled` hold links to folders, of which DVC sees nothing
        .resume         trainings that came to their end
        Git, DVC        the revision that `gates.not_worse_than` names
Writes  .resume         which of them DVC has taken, whose states are removed

dvc.yaml runs it before each stage. It is no dependency of theirs: what it finds ends a run, and changes no output.
"""

import sys
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.common.params import check_params, load_params
from sightline.parameters.gates import GateParams
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.whole import WholeParams
from sightline.training.resuming.note import resume_root
from sightline.training.resuming.taken import settle

RAW = Path("data/raw")


def main() -> None:
    try:
        check_params(WholeParams)
        prepare = load_params(PrepareParams).prepare
        refuse_links(prepare.source)
        refuse_links(prepare.unlabelled)
        find_baseline(load_params(GateParams).gates.not_worse_than)
    except SightlineError as error:
        sys.exit(str(error))
    here = Path.cwd()
    settle(resume_root(here), here / ".dvc")


def refuse_links(source: str) -> None:
    """Raise SightlineError where folders are linked into the source after prepare has read it: DVC would not know."""
    path = Path(source)
    if path.is_relative_to(RAW) and path.is_dir():
        from sightline.images.sources.folder import refuse_linked_folders  # NumPy takes a tenth of a second to import

        refuse_linked_folders(path, RAW)


def find_baseline(name: str) -> None:
    """Raise SightlineError when the predictions of `gates.not_worse_than` are not here, before hours of training."""
    if name:
        from sightline.gating.worse import read_baseline  # SciPy and DVC take a second to import

        read_baseline(name)


if __name__ == "__main__":
    main()
