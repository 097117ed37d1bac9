"""Images that a service answered, as its log tells them: for the tests of the monitor."""

import numpy as np

from sightline.monitoring.lines import Seen

MODEL = "ab" * 32
LINE = {
    "time": "2026-01-01T00:00:00.000Z",
    "request": "r1",
    "model": MODEL[:16],
    "image": "cd",
    "class": "bee",
    "confidence": 0.75,
    "decided": True,
    "top": {"bee": 0.75, "ant": 0.25},
    "pixels": {"brightness": 0.5},
}


def draw(count, seed, bright=0.0, bee=0.5, looked=True):
    """Return answered images; `bright` is added to the brightness, `bee` the share of that class."""
    stream = np.random.default_rng(seed)
    rows = zip(stream.normal(0.5, 0.1, count), stream.beta(8, 1, count), stream.random(count), strict=True)
    seen = []
    for row, (brightness, sure, chance) in enumerate(rows):
        pixels = {"brightness": brightness + bright} if looked else None
        seen.append(Seen(f"t{row:04}", f"r{row}", f"i{row}", "bee" if chance < bee else "ant", sure, {}, pixels))
    return seen


def describe(seen):
    """Return what reference.json holds of images that look like these."""
    return {
        "images": len(seen),
        "classes": {name: sum(image.predicted == name for image in seen) for name in ("ant", "bee")},
        "confidence": [image.confidence for image in seen],
        "pixels": {"brightness": [image.pixels["brightness"] for image in seen]},
    }
