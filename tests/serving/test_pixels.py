import asyncio
import threading
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from sightline.images.decoding.bad_image import BadImageError
from sightline.serving.errors import ServiceError
from sightline.serving.metrics import Metrics
from sightline.serving.pixels import MILLION, TINY, Pixels
from sightline.serving.settings import Settings
from sightline.serving.versions import FEWEST, MOST, largest_batch

TINY_FILE = b"\x89PNG\r\n\x1a\n"
LONG_FILE = TINY_FILE + bytes(TINY)
WIDE_FILE = TINY_FILE + b"wide"  # of more pixels than are tiny
BAD_FILE = TINY_FILE + b"bad"
SETTINGS = Settings(megapixels=1)


class Model:
    """Notes in which thread it decoded what, up to how many pixels; held, it decodes nothing in other threads."""

    def __init__(self, image_size=4):
        self.preprocessing = SimpleNamespace(image_size=image_size)
        self.decoded = []
        self.free = threading.Event()
        self.free.set()

    def decode(self, file, most):
        here = threading.current_thread() is threading.main_thread()
        self.decoded.append((file, "loop" if here else "thread", most))
        if not here:
            assert self.free.wait(10)
        if file == BAD_FILE or (file == WIDE_FILE and most <= TINY):
            raise BadImageError(f"{most} (prepare.max_pixels)")
        return np.zeros((4, 4, 3), np.uint8)


def play(scene, model):
    """Run a scene that is given what decodes a file by the model."""

    async def run():
        pixels = Pixels(SETTINGS, Metrics())
        served = SimpleNamespace(model=model, batcher=SimpleNamespace(expecting=nullcontext))
        try:
            await asyncio.wait_for(scene(lambda file: pixels.decode(served, file)), 10)
        finally:
            pixels.close()

    asyncio.run(run())
    return model.decoded


def test_what_is_tiny_is_decoded_at_once_and_what_is_not_in_a_thread():
    async def scene(decode):
        for file in (TINY_FILE, LONG_FILE, WIDE_FILE):
            assert (await decode(file)).shape == (4, 4, 3)

    assert play(scene, Model()) == [
        (TINY_FILE, "loop", TINY),
        (LONG_FILE, "thread", MILLION),
        (WIDE_FILE, "loop", TINY),
        (WIDE_FILE, "thread", MILLION),
    ]
    assert play(lambda decode: decode(TINY_FILE), Model(image_size=224)) == [(TINY_FILE, "thread", MILLION)]


def test_a_bad_image_is_refused_by_the_limit_of_the_settings():
    async def scene(decode):
        with pytest.raises(ServiceError, match=r"^1000000$") as refused:
            await decode(BAD_FILE)
        assert refused.value.status == 422
        with pytest.raises(ServiceError) as refused:
            await decode(b"GIF")
        assert refused.value.status == 415

    assert play(scene, Model()) == [(BAD_FILE, "loop", TINY), (BAD_FILE, "thread", MILLION)]


def test_nothing_is_decoded_in_the_loop_while_a_thread_may_hold_the_room_for_it():
    model = Model()
    model.free.clear()

    async def scene(decode):
        long = asyncio.create_task(decode(LONG_FILE))
        await asyncio.sleep(0)
        tiny = asyncio.create_task(decode(TINY_FILE))
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(long, tiny)
        await decode(TINY_FILE)

    assert [where for _, where, _ in play(scene, model)] == ["thread", "thread", "loop"]


@pytest.mark.parametrize(("image_size", "images"), [(4, MOST), (32, 32), (48, 14), (64, 8), (224, FEWEST)])
def test_a_batch_has_more_small_images(image_size, images):
    model = Model(image_size)
    assert largest_batch(Settings(), model) == images
    assert largest_batch(Settings(batch=3), model) == 3
