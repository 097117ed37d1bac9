"""`accumulate: auto`: in how many parts a batch goes through the networks, so that each part fits into `memory_mb`."""

from accelerate import Accelerator
from torch import nn

from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.classifier import Classifier
from sightline.networks.memory import MEGABYTE, measure_image
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.recipe.blank import build_blank, learning_norms


def settle_accumulation(
    params: TrainParams, spec: ModelSpec, trained: list[int], accelerator: Accelerator
) -> TrainParams:
    """Return the parameters with a number for `accumulate`, and let accelerate know it; `auto` says which in a line.

    Parameters
    ----------
    trained : list of int
        How many images each member trains on, at least 1.
    """
    if params.accumulate == "auto":
        networks = [build_blank(name, params, spec) for name in params.architectures if not is_handcrafted(name)]
        alone = not any(learning_norms(network) for network in networks)
        with accelerator.autocast():
            image = max((_measure(network, spec) for network in networks), default=1)
        image *= 2 if params.adversarial.method == "trades" else 1  # each image goes through attacked too
        sizes = {min(params.batch_size, images) for images in trained}
        processes = accelerator.num_processes
        at_once = params.memory_mb * MEGABYTE // image
        parts = choose_parts(params.batch_size, sizes, processes, at_once, 1 if alone else 2)
        if networks:
            accelerator.print(_describe(parts, max(sizes), processes, image, params.memory_mb))
        params = params.model_copy(update={"accumulate": parts})
    accelerator.gradient_accumulation_steps = params.accumulate
    return params


def choose_parts(batch_size: int, sizes: set[int], processes: int, at_once: int, least: int) -> int:
    """Return the smallest divisor of `batch_size` that makes equal parts which fit, else the largest that is allowed.

    Parameters
    ----------
    sizes : set of int
        Images of the members' batches: `batch_size`, or all where these are fewer.
    at_once : int
        Images that a process has memory for.
    least : int
        Images that a process must get at least: two for batch norm.
    """
    divisors = [parts for parts in range(1, batch_size + 1) if batch_size % parts == 0]
    allowed = [
        parts
        for parts in divisors
        if all(size % (parts * processes) == 0 and size // (parts * processes) >= least for size in sizes)
    ]
    fitting = [parts for parts in allowed if max(sizes) // (parts * processes) <= at_once]
    return (fitting[:1] or allowed[-1:] or [1])[0]


def _measure(network: nn.Module, spec: ModelSpec) -> int:
    classifier = Classifier(network, spec.mean, spec.std, spec.input_size)
    return measure_image(classifier, spec.input_size, backward=True)


def _describe(parts: int, size: int, processes: int, image: int, memory_mb: int) -> str:
    images = size // (parts * processes)
    line = f"train: accumulate: auto: {parts} x {images} images, {image / MEGABYTE:.1f} MiB each"
    if images * image <= memory_mb * MEGABYTE:
        return line
    return f"{line}: more than memory_mb: {memory_mb}, but no smaller part is allowed; checkpointing: true needs less"
