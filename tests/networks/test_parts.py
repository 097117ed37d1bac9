"""Out of memory halves the parts, repeats nothing that is done, and is said once."""

from itertools import chain

import numpy as np
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import build_network
from sightline.networks.classifier import Classifier
from sightline.networks.decider import ViewAverage
from sightline.networks.embedding import watching
from sightline.networks.parts import Parts, say_halved
from sightline.networks.predict import predict_logits


@pytest.fixture(autouse=True)
def nothing_said():
    say_halved.cache_clear()


class Device:
    """Computes a part where it has memory for so many images, and remembers what it was asked."""

    def __init__(self, room):
        self.room = room
        self.asked = []

    def __call__(self, part):
        self.asked.append(part.stop - part.start)
        if self.asked[-1] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(range(part.start, part.stop))


def test_parts_are_halved_until_they_fit_and_stay_so(capsys):
    device = Device(room=3)
    parts = Parts(12)
    assert list(chain(*parts.over(10, device))) == [*range(10)]
    assert device.asked == [10, 5, 2, 2, 2, 2, 2]
    assert list(chain(*parts.over(4, device))) == [*range(4)]
    assert device.asked[7:] == [2, 2]
    list(Parts(12).over(10, device))
    assert capsys.readouterr().out.count("out of memory") == 1


def test_with_room_nothing_is_halved_or_said(capsys):
    device = Device(room=4)
    assert list(chain(*Parts(4).over(9, device))) == [*range(9)]
    assert device.asked == [4, 4, 1]
    assert capsys.readouterr().out == ""


def test_no_room_for_one_image_is_a_line():
    with pytest.raises(SightlineError, match=r"out of memory: .* single image"):
        list(Parts(5).over(5, Device(room=0)))


def test_other_errors_stay():
    def fail(part):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        list(Parts(5).over(5, fail))


def test_embeddings_of_a_failed_attempt_are_dropped():
    """The second view fails, after the first one's embeddings were seen."""
    torch.manual_seed(0)
    network = build_network("simple_cnn", 3, 16, pretrained=False)
    classifier = Classifier(network, [0.5] * 3, [0.2] * 3, 16)
    member = ViewAverage(classifier, "flip").eval()
    pixels = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    plain, scores = embed(member, pixels)
    views = []

    def fail_in_the_second_view(module, inputs):
        views.append(len(inputs[0]))
        if views == [4, 4]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    network.register_forward_pre_hook(fail_in_the_second_view)
    halved, again = embed(member, pixels)
    assert views == [4, 4, 2, 2, 2, 2, 2, 2, 1, 1]
    assert halved == pytest.approx(plain, abs=1e-6)
    assert again.numpy() == pytest.approx(scores.numpy(), abs=1e-6)


def embed(member, pixels):
    taken = []
    with watching(member, taken.append):
        scores = predict_logits(member, pixels, np.arange(len(pixels)), 4, torch.device("cpu"))
    return np.concatenate(taken), scores
