from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss

from sightline.common.errors import SightlineError
from sightline.deployment.formats import run_decider, run_onnx
from sightline.deployment.graph import build_graph, trace_program
from sightline.deployment.parity import compare_probabilities
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.predict import predict_logits
from sightline.networks.saved import Member, ModelSpec, load_members, write_spec, write_weights
from sightline.training.batches import Batches
from sightline.training.handcrafted.estimators import ClassicalSettings
from sightline.training.handcrafted.fit import fit_classical, weights_by_class
from sightline.training.recipe.losses import class_weights

CPU = torch.device("cpu")
MODELS = ["hog_lbp_color+linear_svm", "hog+svm", "hog+random_forest"]
SETTINGS = ClassicalSettings(seed=0, class_weight=None, svm_c=3.0, forest_trees=20, forest_depth=8)
TRAIN, VAL = np.arange(300), np.arange(300, 500)


@pytest.fixture(scope="module")
def digits():
    """Pixels uint8 [500, 16, 16, 3] of digits by mixed writers, and labels int64 [500]."""
    found, rows = load_digits(), np.random.default_rng(0).permutation(1797)[:500]
    grey = (found.images[rows] * 15.9).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    return np.ascontiguousarray(np.broadcast_to(grey[..., None], (500, 16, 16, 3))), found.target[rows]


def make_spec(model):
    return ModelSpec(
        classes=[str(digit) for digit in range(10)],
        preprocessing=Preprocessing(image_size=16, fit="crop", resample="bilinear", background=[0, 0, 0]),
        input_size=16,
        mean=[0.3, 0.3, 0.3],  # of the data set, as for any other member
        std=[0.2, 0.2, 0.2],
        members=[Member(architecture=model, file="member_0_best.safetensors", fold=None)],
    )


def make_run(settings, log):
    weights = None if settings.class_weight is None else torch.tensor(list(settings.class_weight.values()))
    return SimpleNamespace(
        params=SimpleNamespace(classical=settings),
        loss=SimpleNamespace(weights=weights),
        accelerator=SimpleNamespace(process_index=0, num_processes=1, autocast=nullcontext),
        seed=lambda purpose: settings.seed,
        images_at_once=lambda classifier, images: 512,
        log=log,
    )


def fit(model, pixels, labels, settings=SETTINGS, val=VAL):
    spec, logged = make_spec(model), []
    network = build_network(model, 10, 16, pretrained=False)
    classifier = Classifier(network, spec.mean, spec.std, 16)
    parts = [Batches(pixels, rows, labels[rows], 10, CPU) for rows in (TRAIN, val)]
    fitted = fit_classical(classifier, *parts, make_run(settings, lambda *epoch: logged.append(epoch)))
    return classifier, fitted, logged


@pytest.fixture(scope="module", params=MODELS)
def done(request, digits):
    return request.param, *fit(request.param, *digits)


def test_scores_are_those_of_scikit_learn(done, digits):
    _, classifier, fitted, logged = done
    pixels, labels = digits
    assert logged == [(0, fitted.best_scores)]
    assert fitted.best_epoch == 0
    for rows, loss in ((TRAIN, "train/loss"), (VAL, "val/loss")):
        probabilities = predict_logits(classifier, pixels, rows, 64, CPU).double().softmax(dim=1).numpy()
        assert fitted.best_scores[loss] == pytest.approx(log_loss(labels[rows], probabilities), abs=1e-5)
        accuracy = accuracy_score(labels[rows], probabilities.argmax(axis=1))
        assert fitted.best_scores[loss.replace("loss", "accuracy")] == accuracy > 0.8


def test_saved_weights_predict_alike_and_without_a_pickle(done, digits, tmp_path):
    model, classifier, fitted, _ = done
    write_spec(tmp_path, make_spec(model))
    write_weights(tmp_path / "member_0_best.safetensors", fitted.best_weights)
    (again,) = load_members(tmp_path, make_spec(model))
    rows = np.arange(0, 500, 9)
    assert torch.equal(*(predict_logits(one, digits[0], rows, 32, CPU) for one in (again, classifier)))


def test_the_exported_graph_of_an_ensemble_with_a_network_decides_alike(digits):
    """Each member gets the pixels as it was fitted on them: normalised for the convolutions only."""
    pixels, labels = digits
    spec = make_spec("hog+svm")
    fitted = [fit(model, pixels, labels)[0] for model in MODELS[1:]]
    torch.manual_seed(0)
    network = Classifier(build_network("simple_cnn", 10, 16, pretrained=False), spec.mean, spec.std, 16)
    calibration = Calibration(method="temperature", temperature=0.8, images=1)
    decider = Decider([*fitted, network], calibration).eval()
    graph = build_graph(trace_program(decider, spec), spec, opset=20)
    chosen = pixels[VAL]
    found = compare_probabilities(
        run_decider(decider, torch.device("cpu"))(chosen), run_onnx(graph)(chosen), labels[VAL]
    )
    assert found["decision_flips"] == 0
    assert found["max_probability_difference"] < 1e-4


def test_normalization_does_not_reach_the_features(digits):
    pixels = torch.from_numpy(digits[0][:5])
    network = build_network("hog+svm", 10, 16, pretrained=False)
    one, other = (Classifier(network, [mean] * 3, [0.5] * 3, 16) for mean in (0.0, 0.7))
    assert torch.equal(one.normalize(one.scale(pixels)), pixels.permute(0, 3, 1, 2) / 255)
    assert torch.equal(other.normalize(other.scale(pixels)), pixels.permute(0, 3, 1, 2) / 255)


@pytest.mark.parametrize("model", MODELS)
def test_class_weights_are_those_of_the_loss(model, digits):
    """With weights for rare classes, more of a rare class is found; without validation images it works too."""
    pixels, labels = digits[0], (digits[1] == 8).astype(np.int64)
    counts = np.bincount(labels[TRAIN], minlength=10)
    recalls = []
    for name in ("none", "balanced"):
        weights = weights_by_class(class_weights(name, counts, 0.999))
        settings = ClassicalSettings(0, weights, svm_c=0.02, forest_trees=20, forest_depth=3)
        classifier, fitted, _ = fit(model, pixels, labels, settings, val=np.arange(0))
        assert list(fitted.best_scores) == ["train/loss", "train/accuracy"]
        predicted = predict_logits(classifier, pixels, VAL, 64, CPU).argmax(dim=1).numpy()
        recalls.append((predicted[labels[VAL] == 1] == 1).mean())
    assert recalls[1] > recalls[0]


def test_weights_by_class_by_hand():
    assert weights_by_class(None) is None
    assert weights_by_class(torch.tensor([0.5, 2.0])) == {0: 0.5, 1: 2.0}


@pytest.mark.parametrize(
    ("rates", "pretrained", "message"),
    [
        ((0.1, 0.0), False, r"drop_rate: hog\+svm has nothing to drop"),
        ((0.0, 0.1), False, r"drop_rate: hog\+svm has nothing to drop"),
        ((0.0, 0.0), True, r"pretrained: hog\+svm has no published weights"),
    ],
)
def test_what_a_handcrafted_model_does_not_have_is_refused(rates, pretrained, message):
    with pytest.raises(SightlineError, match=message):
        build_network("hog+svm", 3, 16, pretrained, rates)


def test_a_wrong_name_lists_the_words():
    with pytest.raises(SightlineError, match=r"hog, lbp, color, in this order.* linear_svm, svm, random_forest"):
        build_network("hog+knn", 3, 16, pretrained=False)
