import pytest
import timm
import torch

from sightline.explaining.methods.attention_maps import (
    attention_rollout,
    last_attention,
    read_attention,
    roll_out,
    why_no_attention,
)
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import NETWORKS, SETTINGS, noise, subject

CLASSES = torch.tensor([0, 1])
PREFIX = {"vit, class token": 1, "vit, mean pool": 1, "vit, registers": 6, "deit": 2}


def built(case: str):
    torch.manual_seed(0)
    return subject(NETWORKS[case][0]())


def test_rollout_by_hand():
    first = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    second = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    # (A + I) / 2: [[1, 0], [.25, .75]] and [[.5, .5], [0, 1]]; the second times the first
    assert roll_out([first, second]).tolist() == [[[0.625, 0.375], [0.25, 0.75]]]


@pytest.mark.parametrize("case", PREFIX)
def test_weights_are_those_of_the_network(case):
    """The weights of the first block, from its queries and keys; reading them changes no logit and no setting."""
    seen = built(case)
    network = seen.classifier.network
    layer = network.blocks[0].attn
    inputs = []
    with layer.register_forward_pre_hook(lambda _module, given: inputs.append(given[0])), torch.no_grad():
        before = seen.logits(noise(2))
    found = read_attention(seen, noise(2))
    queries, keys, _ = layer.qkv(inputs[0]).unflatten(2, (3, layer.num_heads, -1)).permute(2, 0, 3, 1, 4)
    expected = (queries @ keys.transpose(2, 3) / queries.shape[-1] ** 0.5).softmax(dim=-1)
    torch.testing.assert_close(found[0], expected)
    assert len(found) == 2
    assert layer.fused_attn
    with torch.no_grad():
        assert torch.equal(seen.logits(noise(2)), before)


def test_last_attention_reads_the_tokens_that_answer():
    for case, rows in (("vit, class token", [0]), ("deit", [0, 1]), ("vit, mean pool", range(1, 17))):
        seen = built(case)
        weights = read_attention(seen, noise(2))[-1].mean(dim=1)
        expected = weights[:, list(rows), PREFIX[case] :].mean(dim=1).view(2, 4, 4)
        expected -= expected.amin(dim=(1, 2), keepdim=True)
        torch.testing.assert_close(last_attention(seen, noise(2), CLASSES, SETTINGS), expected)


@pytest.mark.parametrize("case", PREFIX)
def test_rollout_covers_the_image(case):
    seen = built(case)
    assert why_no_attention(seen) is None
    found = attention_rollout(seen, noise(2), CLASSES, SETTINGS)
    assert found.shape == (2, 4, 4)
    assert (found.amin(dim=(1, 2)) == 0).all()
    assert (found.amax(dim=(1, 2)) > 0).all()
    assert (found.sum(dim=(1, 2)) < 1).all()  # the rest is the class token's own


@pytest.mark.parametrize(("case", "reason"), [("swin", "windows"), ("maxvit", "windows"), ("mixer", "no attention")])
def test_networks_without_attention_over_the_image_say_why(case, reason):
    assert reason in why_no_attention(built(case))


def test_attention_of_the_class_token_alone_is_not_rolled_out():
    network = timm.create_model("cait_xxs24_224", num_classes=4, img_size=64, depth=2, embed_dim=48, num_heads=2)
    assert "one query" in why_no_attention(subject(network))


def test_own_networks_have_none():
    assert "no attention" in why_no_attention(subject(SimpleCNN(4, 0.0)))
