import numpy as np
import onnxruntime
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.deployment.graph import settle
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration, IsotonicCurve, read_calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import VIEWS, Decider

CURVES = [IsotonicCurve(x=[0.1, 0.4, 0.4001, 1.0], y=[0.0, 0.2, 0.7, 1.0])] * 3
CALIBRATIONS = {
    "vector": {"scale": [0.5, 1.0, 2.0], "bias": [0.0, 0.3, -0.3]},
    "isotonic": {"curves": CURVES, "doubt": 0.01},
    "temperature": {"temperature": 0.5},
}


def calibration(method: str, **changes) -> Calibration:
    return Calibration(**{"method": method, "temperature": 1.0, "images": 9} | CALIBRATIONS[method] | changes)


def classifier(input_size: int, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    network = build_network("simple_cnn", 3, input_size, pretrained=False)
    torch.nn.init.normal_(network.head.weight)
    return Classifier(network, [0.5] * 3, [0.25] * 3, input_size).eval()


def pixels(count: int = 5, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_calibration_of_another_version_is_refused_with_one_line(tmp_path):
    path = tmp_path / "calibration.json"
    for content in ({"method": "magic", "temperature": 1.0, "images": 3}, {"temperature": 1.0}):
        write_json(path, content)
        with pytest.raises(SightlineError, match=r"calibration\.json: (method|images)") as caught:
            read_calibration(path)
        assert "\n" not in str(caught.value)
    write_json(path, {"method": "temperature", "temperature": 0.5, "images": 4, "note": None})
    assert read_calibration(path).tta == "none"


@torch.no_grad()
def test_without_views_and_with_a_temperature_it_sharpens_the_mean_of_its_members():
    members = [classifier(16), classifier(16, seed=1)]
    found = Decider(members, calibration("temperature"))(pixels())
    mean = sum(member(pixels()).softmax(dim=1) for member in members) / 2
    sharpened = mean**2  # a temperature of 0.5
    expected = sharpened / sharpened.sum(dim=1, keepdim=True)
    assert found.exp().numpy() == pytest.approx(expected.numpy(), abs=1e-5)


@torch.no_grad()
def test_a_flipped_image_gets_the_same_probabilities():
    model = Decider([classifier(16)], calibration("temperature", tta="flip"))
    assert model(pixels()).numpy() == pytest.approx(model(pixels().flip(2)).numpy(), abs=1e-5)
    alone = Decider([classifier(16)], calibration("temperature", temperature=1.0))
    views = alone(pixels()).exp() + alone(pixels().flip(2)).exp()
    whole = Decider([classifier(16)], calibration("temperature", temperature=1.0, tta="flip"))
    assert whole(pixels()).exp().numpy() == pytest.approx(views.numpy() / 2, abs=1e-5)


@pytest.mark.parametrize(("input_size", "side"), [(16, 14), (12, 12), (32, 14)])
def test_crops_are_the_whole_and_its_corners(input_size, side):
    views = VIEWS["multi_crop"](pixels(), input_size)
    assert [tuple(view.shape[1:3]) for view in views] == [(16, 16)] + [(side, side)] * 4
    assert torch.equal(views[4], pixels()[:, 16 - side :, 16 - side :])
    assert torch.equal(views[2], pixels()[:, :side, 16 - side :])


@pytest.mark.parametrize(("method", "tta"), [("vector", "flip"), ("isotonic", "multi_crop")])
def test_the_onnx_graph_holds_views_and_calibration(method, tta):
    model = Decider([classifier(16)], calibration(method, tta=tta)).eval()
    settle(model)
    program = torch.onnx.export(
        model, (pixels(2),), dynamo=True, opset_version=20, input_names=["pixels"], verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    found = session.run(None, {"pixels": pixels(7).numpy()})[0]
    assert np.exp(found) == pytest.approx(model(pixels(7)).exp().detach().numpy(), abs=1e-5)
