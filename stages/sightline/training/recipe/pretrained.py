"""Start a network from weights that were trained before: a file, or an earlier experiment's `models/trained`."""

import inspect
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.saved import read_spec
from sightline.training.recipe.freeze import head_matcher
from sightline.training.recipe.published import read_published

PRETRAINED = Path("models/pretrained")
UNREADABLE = (AttributeError, EOFError, OSError, RuntimeError, SafetensorError, UnpicklingError)
FOREIGN = (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


def load_weights(network: nn.Module, path: str | Path) -> list[str]:
    """Copy weights into a network; where the head has another shape, all of the head stays as it was initialised.

    Call it after `initialize_from`, whose tensors it replaces.

    Parameters
    ----------
    network : nn.Module
        One of timm's, or of Sightline's own but the handcrafted ones.
    path : str or Path
        A safetensors file; a state dict or a timm checkpoint that torch saved (EMA weights go first), read without
        running its pickle; or a folder of an earlier `models/trained`, whose first member is taken. Where images have
        one channel, kernels that see three are added up over them, which gives grey images the same maps. timm adapts
        its networks' position embeddings to another input size, and translates the published files it knows.

    Returns
    -------
    list of str
        The tensors that stayed as initialised.

    Raises
    ------
    SightlineError
        There is no such file, it cannot be read, or it does not hold this network's weights; the first tensor that
        does not fit is named.
    """
    file = _find_file(Path(path))
    own = network.state_dict()
    tensors = {name: _fit_channels(tensor, own.get(name)) for name, tensor in _read(file).items()}
    is_head = head_matcher(network)
    if _misfits(own, tensors):
        tensors = _translate(network, tensors)
    misfits = _misfits(own, tensors)
    for name, problem in misfits.items():
        if not is_head(name):
            raise SightlineError(
                f"{file}: {name}: {problem}: set `model` to the network that these weights are of, or name another file"
            )
    fresh = [name for name in own if is_head(name)] if misfits else []
    left_out = {*fresh, *misfits}
    network.load_state_dict({name: tensors[name] for name in tensors if name not in left_out}, strict=False)
    return fresh


def tracked_path(key: str, path: str) -> Path:
    """Return the path that params.yaml names under `key`, having checked that DVC sees when its content changes.

    Raises
    ------
    SightlineError
        It is not inside models/pretrained, on which train depends, or does not exist.
    """
    tracked = Path(path)
    if ".." in tracked.parts or PRETRAINED not in tracked.parents:
        raise SightlineError(
            f"params.yaml: {key}: {path} is not inside {PRETRAINED}/, where DVC tracks it: move it there and name it so"
        )
    if not tracked.exists():
        raise SightlineError(f"params.yaml: {key}: {path} does not exist: put it there, or fetch it with `dvc pull`")
    return tracked


def weights_normalization(path: str | Path) -> tuple[list[float], list[float]] | None:
    """Return the mean and standard deviation of a copy of `models/trained` or of a file's JSON; None without either."""
    if not Path(path).is_dir():
        published = read_published(Path(path))
        return (published.preprocessing.mean, published.preprocessing.std) if published else None
    spec = read_spec(path)
    return spec.mean, spec.std


def _find_file(path: Path) -> Path:
    file = path / read_spec(path).members[0].file if path.is_dir() else path
    if not file.is_file():
        raise SightlineError(f"{file}: no such weights: put them there, or fetch them with `dvc pull`")
    return file


def _read(file: Path) -> dict[str, torch.Tensor]:
    from timm.models import load_state_dict  # knows how checkpoints wrap weights; over a second to import

    try:
        tensors = load_state_dict(str(file))
    except UNREADABLE as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SightlineError(f"{file}: not readable as weights ({reason}): give safetensors or a state dict") from None
    strange = [name for name, value in tensors.items() if not isinstance(value, torch.Tensor)]
    if strange:
        raise SightlineError(f"{file}: {strange[0]}: not a tensor: give safetensors or a state dict")
    return tensors


def _fit_channels(tensor: torch.Tensor, own: torch.Tensor | None) -> torch.Tensor:
    """Let timm add up a kernel [out, 3, h, w] over its channels where the network has one."""
    if own is None or tensor.ndim != 4 or own.ndim != 4 or (own.shape[1], tensor.shape[1]) != (1, 3):
        return tensor
    from timm.models import adapt_input_conv

    return adapt_input_conv(1, tensor)


def _translate(network: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Let timm adapt a file: each of its modules has a function for the layouts and sizes that it knows."""
    adapt = getattr(inspect.getmodule(type(network)), "checkpoint_filter_fn", None)
    if adapt is None:
        return tensors
    try:
        return adapt(dict(tensors), network)
    except FOREIGN:  # weights of another network; which tensor does not fit is said later
        return tensors


def _misfits(own: dict[str, torch.Tensor], tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """Return what is wrong with each tensor that does not fit, in the network's order, then the file's."""
    problems = {}
    for name, tensor in own.items():
        if name not in tensors:
            if not name.endswith("num_batches_tracked"):  # which files from before PyTorch 1.0 lack
                problems[name] = "missing"
        elif tensors[name].shape != tensor.shape:
            problems[name] = f"has shape {list(tensors[name].shape)} instead of {list(tensor.shape)}"
    return problems | {name: "unknown to the network" for name in tensors if name not in own}
