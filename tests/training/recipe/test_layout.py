import pytest
import torch
from torch import nn

from sightline.training.recipe.layout import choose_layout

CPU = torch.device("cpu")
PLAIN = torch.contiguous_format


def strided(channels, **changes):
    return nn.Conv2d(channels, 8, **({"kernel_size": 1, "stride": 2} | changes))


def test_the_layout_is_plain_on_processors_and_says_why():
    layout, note = choose_layout(nn.Sequential(strided(3)), True, CPU)
    assert layout == PLAIN
    assert "0 (1 x 1, stride 2, 3 channels in)" in note


@pytest.mark.parametrize(
    ("network", "channels_last", "device", "layout"),
    [
        (strided(16), True, "cpu", torch.channels_last),
        (strided(16), False, "cpu", PLAIN),
        (strided(3), False, "cpu", PLAIN),
        (strided(3), True, "cuda", torch.channels_last),
    ],
)
def test_otherwise_it_is_what_was_asked_for(network, channels_last, device, layout):
    assert choose_layout(network, channels_last, torch.device(device)) == (layout, "")


def test_gradients_in_the_chosen_layout_are_right():
    """Of sizes where channels_last gives wrong ones or a crash."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 16, 1, 2, bias=False)
    layout, _ = choose_layout(layer, True, CPU)
    images = torch.rand(4, 3, 64, 64).contiguous(memory_format=layout)
    scores = layer.to(memory_format=layout)(images)
    upstream = torch.randn_like(scores)
    scores.backward(upstream)
    expected = torch.einsum("nohw,nihw->oi", upstream.double(), images[:, :, ::2, ::2].double())
    torch.testing.assert_close(layer.weight.grad[:, :, 0, 0].double(), expected, rtol=1e-4, atol=1e-3)
