"""`torchvision:<Dataset>`: any labelled torchvision data set, downloaded below `data/raw`."""

import inspect
from pathlib import Path
from urllib.error import URLError

import torchvision

from sightline.common.errors import SightlineError
from sightline.images.sources.digits import InMemory
from sightline.images.sources.listing import Listing

SPLITS = {"train": "train", "trainval": "train", "val": "val", "valid": "val", "test": "test"}
LABEL_ATTRIBUTES = ("targets", "labels", "_labels")


def open_torchvision(name: str, root: Path) -> tuple[Listing, InMemory]:
    """Download a data set where needed and offer its images with its own subsets.

    Raises
    ------
    SightlineError
        torchvision has no such labelled data set, or it cannot be downloaded.
    """
    listing = Listing()
    origin = []
    for subset, dataset in _load_subsets(_dataset_class(name), name, root / name):
        class_names = getattr(dataset, "classes", None)
        for index, label in enumerate(_labels(dataset)):
            class_name = str(class_names[label]) if class_names else str(label)
            listing.add(f"{subset or 'all'}/{index:07d}.png", class_name, subset)
            origin.append((dataset, index))
    return listing, InMemory(listing.paths, lambda index: _image(*origin[index]))


def _dataset_class(name: str) -> type:
    dataset = getattr(torchvision.datasets, name, None)
    if not (inspect.isclass(dataset) and issubclass(dataset, torchvision.datasets.VisionDataset)):
        raise SightlineError(
            f"params.yaml: prepare.source: torchvision has no data set called {name!r}: "
            f"see torchvision.datasets, names as written there (CIFAR10, FashionMNIST, OxfordIIITPet, ...)"
        )
    return dataset


def _load_subsets(dataset: type, name: str, root: Path) -> list[tuple[str, torchvision.datasets.VisionDataset]]:
    options = inspect.signature(dataset).parameters
    try:
        if "train" in options:
            return [(subset, _construct(dataset, root, train=subset == "train")) for subset in ("train", "test")]
        if "split" in options:
            return _load_splits(dataset, root)
        return [("", _construct(dataset, root))]
    except TypeError as error:
        raise SightlineError(f"params.yaml: prepare.source: torchvision:{name} needs more arguments: {error}") from None
    except (URLError, OSError, RuntimeError) as error:
        raise SightlineError(
            f"params.yaml: prepare.source: torchvision:{name} cannot be downloaded to {root} "
            f"({' '.join(str(error).split())}): connect to the network, or put its files there"
        ) from None


def _load_splits(dataset: type, root: Path) -> list[tuple[str, torchvision.datasets.VisionDataset]]:
    datasets = {}
    for split, subset in SPLITS.items():
        if subset in datasets:  # trainval holds train
            continue
        try:
            datasets[subset] = _construct(dataset, root, split=split)
        except ValueError:  # torchvision's answer to a split that this data set lacks
            continue
    return list(datasets.items())


def _construct(dataset: type, root: Path, **choice) -> torchvision.datasets.VisionDataset:
    root.mkdir(parents=True, exist_ok=True)
    download = {"download": True} if "download" in inspect.signature(dataset).parameters else {}
    return dataset(str(root), **choice, **download)


def _labels(dataset: torchvision.datasets.VisionDataset) -> list[int]:
    for attribute in LABEL_ATTRIBUTES:
        if hasattr(dataset, attribute):
            return [int(label) for label in getattr(dataset, attribute)]
    return [int(label) for _, label in dataset]


def _image(dataset: torchvision.datasets.VisionDataset, index: int):
    return dataset[index][0]
