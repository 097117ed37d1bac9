import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression

from sightline.networks.calibration import Calibration, IsotonicCurve, build_calibrator
from sightline.networks.temperature import fit_temperature
from sightline.scoring.calibration import (
    FITS,
    apply_calibration,
    calibrate,
    calibrate_left_out,
    fit_isotonic,
    fit_vector,
)
from sightline.scoring.metrics.abstention import fit_conformal, measure_sets


def overconfident_case(factor: float, images: int = 4000):
    stream = np.random.default_rng(1)
    logits = stream.normal(size=(images, 4)) * 2
    labels = (logits + stream.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from softmax(logits)
    return logits * factor, labels


def log_loss(scores: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return float(torch.nn.functional.cross_entropy(torch.tensor(scores / temperature), torch.tensor(labels)))


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_temperature_undoes_a_known_scale(factor):
    scores, labels = overconfident_case(factor)
    assert fit_temperature(scores, labels) == pytest.approx(factor, rel=0.06)


def test_temperature_agrees_with_torch_lbfgs():
    scores, labels = overconfident_case(3.0)
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def cost():
        optimizer.zero_grad()
        tempered = torch.tensor(scores) / log_temperature.exp()
        loss = torch.nn.functional.cross_entropy(tempered, torch.tensor(labels)) + log_temperature**2 / 2 / len(labels)
        loss.backward()
        return loss

    optimizer.step(cost)
    assert fit_temperature(scores, labels) == pytest.approx(log_temperature.detach().exp().item(), rel=1e-4)


def test_validation_without_a_mistake_does_not_ask_for_certainty():
    scores = np.log(np.full((50, 3), 0.1) + 0.7 * np.eye(3)[[0] * 50])  # 0.8 for the right class
    temperature = fit_temperature(scores, np.zeros(50, dtype=int))
    assert 0.2 < temperature < 1.0


@pytest.mark.parametrize(("scores", "labels"), [(np.zeros((3, 2)), [0, 1, 1]), (np.array([[0.0, -60.0]]), [1])])
def test_temperature_never_makes_the_validation_loss_worse(scores, labels):
    labels = np.array(labels)
    temperature = fit_temperature(scores, labels)
    assert 0.02 <= temperature <= 50
    assert log_loss(scores, labels, temperature) <= log_loss(scores, labels, 1.0)


def test_scores_that_say_nothing_keep_their_temperature():
    assert fit_temperature(np.zeros((3, 2)), np.array([0, 1, 1])) == pytest.approx(1.0, abs=1e-5)


def test_calibrate_without_images_says_so():
    found, _ = calibrate("temperature", np.empty((0, 3)), np.empty(0, dtype=int))
    assert (found.method, found.temperature, found.images) == ("none", 1.0, 0)
    assert "no validation images" in found.note


def test_calibrate_none_fits_nothing():
    found, _ = calibrate("none", *overconfident_case(3.0, images=10))
    assert (found.method, found.temperature, found.note) == ("none", 1.0, None)


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic"])
def test_every_method_mends_overconfidence_without_new_data(method):
    scores, labels = overconfident_case(3.0)
    scores = np.log(softmax(scores, axis=1))
    fitted, _ = calibrate(method, scores[:2000], labels[:2000])
    found = apply_calibration(fitted, torch.tensor(scores[2000:], dtype=torch.float32))
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(2000), abs=1e-5)
    own = -np.log(found[np.arange(2000), labels[2000:]]).mean()
    assert own < 0.7 * log_loss(scores[2000:], labels[2000:], 1.0)


def test_vector_scaling_undoes_a_known_factor_and_shift():
    scores, labels = overconfident_case(1.0)
    true = np.log(softmax(scores, axis=1))
    factor, shift = np.array([2.0, 1.0, 0.5, 1.0]), np.array([0.0, 1.0, 0.0, -1.0])
    seen = np.log(softmax((true - shift) / factor, axis=1))  # a distortion that vector scaling nearly undoes
    scale, bias = fit_vector(seen, labels)
    corrected = seen * scale + bias
    assert log_loss(corrected, labels, 1.0) < log_loss(true, labels, 1.0) + 0.01
    assert log_loss(seen, labels, fit_temperature(seen, labels)) > log_loss(true, labels, 1.0) + 0.05


def test_isotonic_curves_are_those_of_scikit_learn():
    stream = np.random.default_rng(3)
    own = stream.dirichlet(np.ones(3), 300)
    labels = stream.integers(0, 3, 300)
    curves = fit_isotonic(np.log(own), labels)
    fitted = Calibration(method="isotonic", temperature=1.0, images=300, curves=curves, doubt=1 / 301)
    levels = np.stack(
        [IsotonicRegression(out_of_bounds="clip").fit(own[:, k], labels == k).predict(own[:, k]) for k in range(3)], 1
    )
    mixed = 300 / 301 * levels + own / 301
    found = apply_calibration(fitted, torch.tensor(np.log(own), dtype=torch.float32))
    assert np.quantile(np.abs(found - mixed / mixed.sum(axis=1, keepdims=True)), 0.99) < 1e-3


def test_an_isotonic_curve_by_hand():
    curves = [IsotonicCurve(x=[0.2, 0.6], y=[0.0, 0.8]), IsotonicCurve(x=[0.0, 1.0], y=[0.5, 0.5])]
    module = build_calibrator(Calibration(method="isotonic", temperature=1.0, images=4, curves=curves, doubt=0.0))
    found = module(torch.log(torch.tensor([[0.4, 0.6], [0.1, 0.9], [0.9, 0.1]]))).exp()
    expected = [[0.4 / 0.9, 0.5 / 0.9], [0.0, 1.0], [0.8 / 1.3, 0.5 / 1.3]]
    assert found.numpy() == pytest.approx(np.array(expected), abs=1e-6)


def test_a_class_without_validation_images_stays_finite():
    scores = np.log(np.full((4, 3), 1 / 3))
    for method in ("temperature", "vector", "isotonic"):
        found = apply_calibration(calibrate(method, scores, np.array([0, 0, 1, 1]))[0], torch.tensor(scores).float())
        assert np.isfinite(found).all() and (found > 0).all()


def log_losses(found: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.maximum(found[np.arange(len(labels)), labels], 1e-30)).mean())


@pytest.mark.parametrize("factor", [1.0, 2.0, 8.0])
@pytest.mark.parametrize(("images", "classes"), [(20, 3), (40, 20), (90, 3), (400, 20), (500, 5)])
def test_asking_for_isotonic_with_few_images_never_costs_more_than_a_little(images, classes, factor):
    """Simulated: labels are drawn from the true probabilities, which the network sharpens by the factor."""
    before, after, alone = [], [], []
    for seed in range(6):
        stream = np.random.default_rng(seed)
        logits = stream.normal(size=(images + 3000, classes)) * 2
        labels = (logits + stream.gumbel(size=logits.shape)).argmax(axis=1)
        scores = np.log(softmax(logits * factor, axis=1)).astype(np.float32)
        unseen = torch.from_numpy(scores[images:])
        fitted, _ = calibrate("isotonic", scores[:images], labels[:images])
        always = FITS["isotonic"](scores[:images], labels[:images])
        always = Calibration(method="isotonic", temperature=1.0, images=images, **always)
        before.append(log_losses(np.exp(scores[images:]), labels[images:]))
        after.append(log_losses(apply_calibration(fitted, unseen), labels[images:]))
        alone.append(log_losses(apply_calibration(always, unseen), labels[images:]))
    assert np.mean(after) <= np.mean(before) + 0.03  # what a temperature fitted on 20 images costs
    assert np.mean(after) <= np.mean(alone)
    if factor > 1:
        assert np.mean(after) < np.mean(before)


def test_too_few_images_for_isotonic_are_named_in_the_note():
    scores, labels = overconfident_case(3.0, images=79)
    found, _ = calibrate("isotonic", scores, labels)
    assert (found.method, found.curves, found.images) == ("temperature", None, 79)
    assert found.temperature == pytest.approx(fit_temperature(scores, labels))
    assert found.note == (
        "79 validation images for 4 classes are fewer than 20 a class: temperature was used in place of isotonic"
    )


def test_isotonic_that_does_worse_on_left_out_images_gives_way_with_both_losses_in_the_note():
    scores, labels = overconfident_case(3.0, images=200)
    found, left_out = calibrate("isotonic", scores, labels)
    assert found.method == "temperature"
    assert np.array_equal(left_out, calibrate_left_out("temperature", scores, labels))
    assert "left out in turn isotonic has a log loss of" in found.note


def test_isotonic_stays_where_no_temperature_can_mend_the_scores():
    scores, labels = overconfident_case(1.0)
    true = np.log(softmax(scores, axis=1))
    seen = np.log(softmax((true - [0.0, 2.0, 0.0, -2.0]) / [2.0, 1.0, 0.5, 1.0], axis=1)).astype(np.float32)
    found, _ = calibrate("isotonic", seen[:2000], labels[:2000])
    assert (found.method, found.note) == ("isotonic", None)
    unseen = torch.from_numpy(seen[2000:])
    number, _ = calibrate("temperature", seen[:2000], labels[:2000])
    by_curves, by_number = (log_losses(apply_calibration(how, unseen), labels[2000:]) for how in (found, number))
    assert by_curves < by_number - 0.05


def test_left_out_images_are_calibrated_by_what_was_fitted_on_the_others():
    scores, labels = overconfident_case(3.0, images=40)
    scores = np.log(softmax(scores, axis=1)).astype(np.float32)
    found = calibrate_left_out("temperature", scores, labels)
    place = int(np.argsort(labels, kind="stable")[7])  # in the third part of five
    others = np.argsort(labels, kind="stable")[[row for row in range(40) if row % 5 != 2]]
    temperature = fit_temperature(scores[others], labels[others])
    assert found[place] == pytest.approx(softmax(scores[place] / temperature), abs=1e-5)
    assert calibrate_left_out("none", scores, labels) == pytest.approx(np.exp(scores), abs=1e-6)
    for few in (0, 1, 3):
        assert calibrate_left_out("vector", scores[:few], labels[:few]).shape == (few, 4)


@pytest.mark.parametrize(("method", "coverage"), [("vector", 0.9), ("vector", 0.95), ("temperature", 0.9)])
def test_prediction_sets_of_left_out_images_cover(method, coverage):
    """Simulated: 60 validation images of five classes, and a network twice as sure as it should be."""
    stream = np.random.default_rng(0)
    logits = stream.normal(size=(42000, 5)) * 2
    labels = (logits + stream.gumbel(size=logits.shape)).argmax(axis=1)
    scores = np.log(softmax(logits * 2, axis=1)).astype(np.float32)
    covered = {"left out": [], "same": []}
    for trial in range(50):
        seen, new = slice(60 * trial, 60 * trial + 60), slice(40000 - 700 * trial, 40700 - 700 * trial)
        fitted, _ = calibrate(method, scores[seen], labels[seen])
        probabilities = apply_calibration(fitted, torch.from_numpy(scores[new]))
        judges = {
            "left out": calibrate_left_out(method, scores[seen], labels[seen]),
            "same": apply_calibration(fitted, torch.from_numpy(scores[seen])),
        }
        for name, judged in judges.items():
            sets = fit_conformal("lac", coverage, judged, labels[seen])
            covered[name].append(measure_sets(sets, probabilities, labels[new])["coverage"])
    assert np.mean(covered["left out"]) > coverage - 0.01
    if method == "vector":
        assert np.mean(covered["same"]) < coverage - 0.015  # what the calibration had seen is no judge
