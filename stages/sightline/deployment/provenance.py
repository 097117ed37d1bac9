"""Which images and which weights an export was made from, as hashes that stay when files move."""

import hashlib
from pathlib import Path

from sightline.networks.saved import ModelSpec

DIGITS = 16  # of 64: enough to tell two apart


def hash_provenance(spec: ModelSpec, index: str | Path, split: str | Path, trained: str | Path) -> dict[str, str]:
    """Return the first digits of the SHA-256 of images and labels, split, and weights.

    Parameters
    ----------
    spec : ModelSpec
        Names the weights' files.
    index, split, trained : path
        index.csv, which has the hash of every image's pixels; split.csv; the folder of the weights.
    """
    weights = [Path(trained) / member.file for member in spec.members]
    weights += [Path(trained) / spec.stack] if spec.stack else []
    return {"images": _hash([index]), "split": _hash([split]), "weights": _hash(weights)}


def _hash(paths: list[str | Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:DIGITS]
