import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits

from sightline.common.errors import SightlineError
from sightline.networks.architectures.handcrafted.heads import HEADS
from sightline.networks.architectures.handcrafted.network import HandcraftedNetwork, is_handcrafted, parse_name
from sightline.networks.saved import write_weights
from sightline.training.handcrafted.estimators import ClassicalSettings, fit_handcrafted

SETTINGS = ClassicalSettings(seed=0, class_weight=None, svm_c=3.0, forest_trees=40, forest_depth=10)
MODELS = ["hog_lbp_color+linear_svm", "hog+svm", "hog+random_forest"]


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, np.ndarray]:
    """Digits of 32 px in [0, 1], float [1000, 3, 32, 32], their writers mixed."""
    found, rows = load_digits(), np.random.default_rng(0).permutation(1797)[:1000]
    images = torch.from_numpy(np.floor(found.images[rows] * 255 / 16) / 255).float().unsqueeze(1)
    enlarged = torch.nn.functional.interpolate(images, scale_factor=4, mode="bilinear")
    return enlarged.expand(-1, 3, -1, -1), found.target[rows]


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, digits) -> HandcraftedNetwork:
    return fit(request.param, digits[0][:400], digits[1][:400])


def fit(name: str, images: torch.Tensor, labels: np.ndarray, settings: ClassicalSettings = SETTINGS, classes: int = 10):
    network = HandcraftedNetwork(name, classes).eval()
    fit_handcrafted(network, images.split(64), labels, settings)
    return network


def test_names():
    assert is_handcrafted("hog+svm")
    assert not is_handcrafted("resnet18")
    assert parse_name("hog_lbp_color+linear_svm") == (["hog", "lbp", "color"], "linear_svm")
    assert parse_name("color+random_forest") == (["color"], "random_forest")


@pytest.mark.parametrize("name", ["lbp_hog+svm", "hog_hog+svm", "hog+svn", "+svm", "hog+", "sift+svm"])
def test_a_name_that_means_nothing_is_refused_in_one_line(name):
    with pytest.raises(SightlineError, match=r"params.yaml: model: .*hog, lbp, color.*linear_svm") as error:
        HandcraftedNetwork(name, 3)
    assert "\n" not in str(error.value)


def test_digits_are_recognised_and_probabilities_fit(fitted, digits):
    probabilities = fitted(digits[0][400:]).softmax(dim=1)
    labels = torch.from_numpy(digits[1][400:])
    predicted = probabilities.argmax(dim=1)
    assert (predicted == labels).float().mean() > 0.8
    loss = -probabilities.gather(1, labels.unsqueeze(1)).log().mean()
    assert loss < 0.6  # knowing nothing costs log 10 = 2.3
    accuracy, confidence = (predicted == labels).float().mean(), probabilities.amax(dim=1).mean()
    assert confidence == pytest.approx(accuracy.item(), abs=0.12)


def test_features_are_standardised_to_unit_length(digits):
    network = fit("hog_lbp+linear_svm", digits[0][:400], digits[1][:400])
    features = network.standardize(network.describe(digits[0][:400]))
    assert features.mean(dim=0).abs().max() < 1e-5
    used = (network.describe(digits[0][:400]).std(dim=0) > 1e-6).float().mean()
    assert features.square().sum(dim=1).mean() == pytest.approx(used.item(), rel=1e-3)


def test_calibration_keeps_the_class_and_lowers_the_loss_of_new_images(fitted, digits):
    with torch.no_grad():
        scores = fitted.head(fitted.standardize(fitted.describe(digits[0][400:])))
    logits, labels = fitted.calibrate(scores), torch.from_numpy(digits[1][400:])
    assert torch.equal(logits, scores / fitted.temperature)
    assert fitted.temperature != 1
    loss = torch.nn.functional.cross_entropy
    assert loss(logits, labels) < loss(scores, labels)


def test_saved_weights_rebuild_the_network(fitted, digits, tmp_path):
    write_weights(tmp_path / "member.safetensors", fitted.state_dict())
    again = HandcraftedNetwork(fitted.architecture, 10)
    again.load_state_dict(load_file(tmp_path / "member.safetensors"))
    assert torch.equal(again(digits[0][:9]), fitted(digits[0][:9]))
    with pytest.raises(RuntimeError, match="size mismatch"):
        HandcraftedNetwork(fitted.architecture, 4).load_state_dict(fitted.state_dict())


def test_the_same_fit_has_the_same_bytes(fitted, digits, tmp_path):
    again = fit(fitted.architecture, digits[0][:400], digits[1][:400])
    for name, network in (("one", fitted), ("two", again)):
        write_weights(tmp_path / name, network.state_dict())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_onnx_agrees_with_torch(fitted, digits, tmp_path):
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.onnx.export(
        fitted, (digits[0][:2].contiguous(),), dynamo=True, dynamic_shapes=({0: batch},), opset_version=20
    )
    program.save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    images = digits[0][400:450].contiguous()
    (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    np.testing.assert_allclose(found, fitted(images).numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("classifier", HEADS)
def test_balanced_weights_find_more_of_a_rare_class(classifier, digits):
    images, labels = digits[0][:, :, :, ::2], (digits[1] == 8).astype(int)
    kept = np.flatnonzero((labels[:400] == 0) | (np.cumsum(labels[:400]) <= 8))
    found = []
    for weight in (None, "balanced"):
        settings = ClassicalSettings(0, weight, svm_c=0.3, forest_trees=40, forest_depth=4)
        network = fit(f"lbp+{classifier}", images[kept], labels[kept], settings, classes=2)
        predicted = network(images[400:]).argmax(dim=1).numpy()
        found.append((predicted[labels[400:] == 1] == 1).mean())
    assert found[1] > found[0]


@pytest.mark.parametrize("classifier", HEADS)
@pytest.mark.parametrize("labels", [[0, 3], [0, 0, 3, 3], [0, 0, 0, 0, 3, 3, 2], [0, 0, 0, 3]])
def test_few_images_and_missing_classes(classifier, labels, digits):
    network = fit(f"hog+{classifier}", digits[0][: len(labels)], np.array(labels), classes=5)
    probabilities = network(digits[0]).softmax(dim=1)
    assert probabilities.isfinite().all()
    assert probabilities[:, [1, 4]].max() < 1e-6


def test_one_class_alone_is_refused(digits):
    with pytest.raises(SightlineError, match="at least two classes"):
        fit("hog+svm", digits[0][:5], np.zeros(5, dtype=int), classes=2)
