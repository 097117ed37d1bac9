"""Files to pixels, within the limits of the settings, and where it costs least."""

import time
from functools import partial

import numpy as np

from sightline.images.decoding.bad_image import BadImageError
from sightline.serving.decoders import Decoders
from sightline.serving.errors import ServiceError
from sightline.serving.formats import refuse_other_formats
from sightline.serving.metrics import Metrics
from sightline.serving.model import ExportedModel
from sightline.serving.settings import Settings
from sightline.serving.versions import Served

MILLION = 1_000_000
TINY = 1 << 12  # bytes of a file and pixels of its image: up to here a thread takes longer to be told than to decode
OF_PREPARE = " (prepare.max_pixels)"  # the decoder's advice where the limit is another's


class Pixels:
    """Decodes as the settings say."""

    def __init__(self, settings: Settings, metrics: Metrics):
        self._formats = settings.formats
        self._most = int(settings.megapixels * MILLION)
        self._metrics = metrics
        self._decoders = Decoders(settings.decode_threads)

    async def decode(self, served: Served, file: bytes) -> np.ndarray:
        """Return the pixels uint8 [S, S, C] of an image file.

        Raises
        ------
        ServiceError
            415: its format is not allowed; 422: it cannot be used.
        """
        refuse_other_formats(file, self._formats)
        pixels = self._decode_tiny(served.model, file)
        if pixels is not None:
            return pixels
        try:
            with served.batcher.expecting():
                return await self._decoders.decode(partial(self._timed, served.model, self._most), file)
        except BadImageError as error:
            raise ServiceError(422, "bad_image", str(error).removesuffix(OF_PREPARE)) from None

    def close(self) -> None:
        """Stop; nobody may wait any more."""
        self._decoders.close()

    def _decode_tiny(self, model: ExportedModel, file: bytes) -> np.ndarray | None:
        """Return pixels that are made at once, in the event loop; None for what the threads are to look at.

        While they work they may hold the room that decode needs, which nobody in the event loop may wait for.
        """
        if len(file) > TINY or model.preprocessing.image_size**2 > TINY or self._decoders.busy:
            return None
        try:
            return self._timed(model, min(TINY, self._most), file)
        except BadImageError:  # or it has more pixels
            return None

    def _timed(self, model: ExportedModel, most: int, file: bytes) -> np.ndarray:
        start = time.perf_counter()
        pixels = model.decode(file, most)
        self._metrics.decode.observe(time.perf_counter() - start)
        return pixels
