"""What single channels of chosen layers respond to in one image."""

import numpy as np
import torch
from PIL import Image, ImageDraw

from sightline.common.errors import SightlineError
from sightline.drawing.canvas import INK, PAPER, font, shortened
from sightline.drawing.tiles import GAP, resized, resized_map, tile_side
from sightline.explaining.methods.grids import lay_out
from sightline.explaining.methods.layers import named_layers, read_outputs
from sightline.explaining.methods.subject import Subject
from sightline.explaining.pictures.sheet import CAPTION, PLAIN_HEADING, TITLE, draw_tiles

STAGES = "stages"  # all layers that the network's feature_info names
SHOWN = 8  # channels of a layer


def read_features(subject: Subject, wanted: list[str], image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the maps [C, h, w] of the wanted layers, in the order wanted; a layer off the grid is left out.

    Parameters
    ----------
    wanted : list of str
        Names of modules, or `stages`: of a network none of whose stages can be read, the layer that class activation
        maps are read at.
    image : torch.Tensor
        float [1, 3, S, S] in [0, 1].

    Raises
    ------
    SightlineError
        The network has no module of a name.
    """
    named = named_layers(subject.classifier)
    names = [name for one in wanted for name in (named if one == STAGES else [one])]
    _refuse_unknown(subject, names, list(named))
    found = {}
    for name, output in read_outputs(subject.classifier, list(dict.fromkeys(names)), image).items():
        to_grid = lay_out(subject.classifier, output, named.get(name) or _channels(subject, output))
        if to_grid is not None:
            found[name] = to_grid(output)[0].cpu()
    if STAGES in wanted and not found and subject.layer:
        layer = subject.layer
        found[layer.name] = layer.to_grid(read_outputs(subject.classifier, [layer.name], image)[layer.name])[0].cpu()
    return found


def strongest(maps: torch.Tensor, count: int) -> list[int]:
    """Return the numbers of the channels of [C, h, w] with the largest mean absolute value, largest first."""
    strength = maps.abs().mean(dim=(1, 2)).numpy()
    return np.lexsort((np.arange(len(strength)), -strength))[:count].tolist()


def draw_features(heading: str, pixels: np.ndarray, features: dict[str, torch.Tensor]) -> Image.Image:
    """Draw one row a layer: the image uint8 [S, S, 3], then its strongest channels, each from black to white."""
    side = tile_side(len(pixels), (SHOWN + 1) * len(features))
    height = TITLE + side + CAPTION + GAP
    canvas = Image.new("RGB", (GAP + (SHOWN + 1) * (side + GAP), PLAIN_HEADING + len(features) * height), PAPER)
    draw = ImageDraw.Draw(canvas)
    bold = font(14, bold=True)
    draw.text((GAP, GAP), shortened(heading, bold, canvas.width - 2 * GAP), INK, bold)
    for row, (name, maps) in enumerate(features.items()):
        top = PLAIN_HEADING + row * height
        title = f"{name}: the strongest of {maps.shape[0]} channels of {maps.shape[1]} x {maps.shape[2]}"
        draw.text((GAP, top + 15), shortened(title, bold, canvas.width - 2 * GAP), INK, bold, anchor="ls")
        tiles = {"image": resized(pixels, side)}
        tiles |= {f"channel {number}": _gray(maps[number], side) for number in strongest(maps, SHOWN)}
        draw_tiles(canvas, tiles, (GAP, top + TITLE))
    return canvas


def _gray(channel: torch.Tensor, side: int) -> np.ndarray:
    values = channel.float().numpy()
    spread = np.ptp(values)
    scaled = (values - values.min()) / spread if spread > 0 else np.zeros_like(values)
    levels = (resized_map(scaled, side).clip(0, 1) * 255).round().astype(np.uint8)
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)


def _refuse_unknown(subject: Subject, names: list[str], named: list[str]) -> None:
    modules = dict(subject.classifier.network.named_modules())
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise SightlineError(
            f"params.yaml: gradcam.feature_maps: {subject.architecture} has no layer {unknown[0]!r}: take `{STAGES}`, "
            f"or {', '.join(named) or 'none'}"
        )


def _channels(subject: Subject, output: torch.Tensor) -> int:
    channels_last = output.ndim == 3 or getattr(subject.classifier.network, "output_fmt", "NCHW") == "NHWC"
    return output.shape[-1 if channels_last else 1] if output.ndim > 1 else 0
