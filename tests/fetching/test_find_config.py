import pytest

from sightline.common.errors import SightlineError
from sightline.fetching.published import find_config


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tf_efficientnet_light0", "no network of this name: did you mean tf_efficientnet_lite0,"),
        ("zzzzzz", r"no network of this name: see timm\.list_models"),
        ("resnet18.nope", r"no such weights: did you mean resnet18\.a1_in1k,"),
        ("botnet50ts_256", "no weights of this network"),
    ],
)
def test_a_name_without_weights_is_one_line_with_near_ones(name, message):
    with pytest.raises(SightlineError, match=f"^{name}: timm has {message}") as caught:
        find_config(name)
    assert "\n" not in str(caught.value)


def test_a_tag_chooses_among_the_weights_of_a_network():
    assert find_config("resnet18").hf_hub_id == "timm/resnet18.a1_in1k"
    assert find_config("resnet18.tv_in1k").hf_hub_id == "timm/resnet18.tv_in1k"
