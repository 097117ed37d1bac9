"""How many images a network takes at once within `memory_mb`, which depends on parameters and not on the machine."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sightline.networks.classifier import Classifier
from sightline.networks.unsafe import is_unsafe

MEGABYTE = 1 << 20
AT_MOST = 512  # images at once: more are no faster
OF_WEIGHTS = -1


def images_at_once(network: nn.Module, size: int, memory_mb: int, backward: bool = False) -> int:
    """Return how many images' tensors fit into the budget: at least 1, at most 512.

    Parameters
    ----------
    network : nn.Module
        Takes uint8 pixels [N, H, W, C], C as a `Classifier` in it tells, else 3: itself one, or a `Decider`.
    size : int
        Side of the stored images, px.
    memory_mb : int
        The budget, MiB; the weights do not count.
    backward : bool
        Whether there are gradients, of the parameters that require some.
    """
    return max(1, min(AT_MOST, memory_mb * MEGABYTE // measure_image(network, size, backward)))


def measure_image(network: nn.Module, size: int, backward: bool = False) -> int:
    """Return the most bytes of tensors that live at one moment while one image goes through a network.

    Counted are the results of torch's operations: what a kernel needs inside is not. With `backward`, what waits for
    the gradients counts too, and the gradients of activations, but not those of weights, which do not grow with the
    batch. The network is measured in evaluation mode, as one image has no batch statistics, and left as it was; torch's
    random stream too. Arguments as in `images_at_once`.
    """
    asking = [parameter for parameter in network.parameters() if parameter.requires_grad] if backward else []
    state = [*network.parameters(), *network.buffers()]
    with (
        evaluated(network),
        _plain_where_unsafe(network),
        LiveTensors(state) as live,
        torch.set_grad_enabled(bool(asking)),
    ):
        channels = next((part.channels for part in network.modules() if isinstance(part, Classifier)), 3)
        scores = network(torch.zeros(1, size, size, channels, dtype=torch.uint8, device=state[0].device))
        if asking:
            hooks = [parameter.register_hook(live.leave_out) for parameter in asking]
            torch.autograd.grad(scores.sum(), asking, allow_unused=True)
            for hook in hooks:
                hook.remove()
    return live.peak


class LiveTensors(TorchDispatchMode):
    """Notes the bytes of the tensors that operations inside the block make, and when each of them ends.

    Parameters
    ----------
    state : list of Tensor
        Weights, which do not count, nor does what is made of them alone: views, casts, standardised weights.
    """

    def __init__(self, state: list[torch.Tensor]):
        super().__init__()
        self._numbers = {id(tensor.untyped_storage()): OF_WEIGHTS for tensor in state}  # of storages that live
        self._changes: list[tuple[int, int]] = []  # number of a storage, bytes that it adds or gives back

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler, a second, to keep it from what is not compiled here

    def leave_out(self, gradient: torch.Tensor) -> None:
        """Treat a tensor as a weight, from its beginning."""
        number = self._numbers[id(gradient.untyped_storage())]
        self._changes = [change for change in self._changes if change[0] != number]
        self._numbers[id(gradient.untyped_storage())] = OF_WEIGHTS

    @property
    def peak(self) -> int:
        """The most bytes that lived at one moment."""
        return max(accumulate((size for _, size in self._changes), initial=0))

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = _storages((args, kwargs))
        of_weights = bool(given) and all(self._numbers.get(id(storage)) == OF_WEIGHTS for storage in given)
        result = function(*args, **(kwargs or {}))
        for storage in _storages(result):
            if id(storage) not in self._numbers:  # no view, nor written in place
                self._add(storage, of_weights)
        return result

    def _add(self, storage: torch.UntypedStorage, of_weights: bool) -> None:
        self._numbers[id(storage)] = OF_WEIGHTS if of_weights else len(self._changes)
        self._changes.append((self._numbers[id(storage)], 0 if of_weights else storage.nbytes()))
        weakref.finalize(storage, self._end, id(storage), storage.nbytes())

    def _end(self, key: int, size: int) -> None:
        number = self._numbers.pop(key)
        if number != OF_WEIGHTS:
            self._changes.append((number, -size))


def _storages(values: object) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


@contextmanager
def _plain_where_unsafe(network: nn.Module) -> Iterator[None]:
    """Inside the block, let layers whose gradient is wrong in channels_last, which stored pixels are, not meet it."""
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
        for module in network.modules()
        if is_unsafe(module)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def evaluated(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode inside the block, and each of its parts back into its own after it."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
