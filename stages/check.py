"""Check all of params.yaml, so that a bad value for the last stage shows before the first one starts.

Reads   params.yaml     every key, also those of other stages
Writes  nothing

dvc.yaml runs it before each stage. It is no dependency of theirs: what it finds ends a run, and changes no output.
"""

import sys

from sightline.common.errors import SightlineError
from sightline.common.params import check_params
from sightline.parameters.whole import WholeParams


def main() -> None:
    try:
        check_params(WholeParams)
    except SightlineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
