import captum.robust
import numpy as np
import pytest
import torch

from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.scoring.robustness.attacks import fgsm, have_gradients, pgd, score_with
from sightline.scoring.robustness.corruptions import STRENGTHS, corrupt
from sightline.scoring.robustness.measure import (
    AttackSettings,
    measure_attacks,
    measure_corruptions,
    summarize_attacks,
    summarize_corruptions,
    tabulate_unchanged,
)
from sightline.scoring.robustness.ood import measure_outliers

UNCALIBRATED = Calibration(method="none", temperature=1.0, images=0)


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (24, 24, 3), dtype=np.uint8)


def linear():
    torch.manual_seed(0)
    weights = 0.1 * torch.randn(3 * 6 * 6, 4)  # small, so that no probability rounds to 1 and the gradient to 0
    return lambda images: torch.log_softmax(images.flatten(1) @ weights, dim=1)


@pytest.mark.parametrize("name", STRENGTHS)
def test_a_corruption_grows_with_its_severity_and_repeats(name):
    image = photo()
    distance = [np.abs(corrupt(image, name, level, seed=1).astype(float) - image).mean() for level in range(1, 6)]
    assert distance[0] > 0
    assert distance == sorted(distance)
    assert np.array_equal(corrupt(image, name, 3, seed=1), corrupt(image, name, 3, seed=1))


def test_corruptions_by_hand():
    gray = np.full((8, 8, 3), 100, dtype=np.uint8)
    assert (corrupt(gray, "brightness", 1, 0) == 126).all()  # 100 / 255 + 0.1
    color = np.tile(np.array([100, 50, 0], dtype=np.uint8), (8, 8, 1))
    assert corrupt(color, "brightness", 1, 0)[0, 0].tolist() == [126, 63, 0]  # the hue stays
    assert (corrupt(np.zeros((8, 8, 3), dtype=np.uint8), "brightness", 2, 0) == 51).all()
    half = np.zeros((2, 8, 3), dtype=np.uint8)
    half[0] = 200
    assert corrupt(half, "contrast", 1, 0)[:, 0, 0].tolist() == [140, 60]  # 100 +- 0.4 * 100
    noisy = corrupt(np.full((100, 100, 3), 128, dtype=np.uint8), "noise", 1, 0) / 255
    assert noisy.std() == pytest.approx(0.08, abs=0.002)
    assert not np.array_equal(corrupt(gray, "noise", 1, 0), corrupt(gray, "noise", 1, 1))


def test_fgsm_is_captums():
    score, images = linear(), torch.rand(5, 3, 6, 6)
    labels = torch.tensor([0, 1, 2, 3, 0])
    expected = captum.robust.FGSM(score, torch.nn.NLLLoss(reduction="none"), 0, 1).perturb(
        images.clone().requires_grad_(), 0.03, labels
    )
    assert torch.allclose(fgsm(score, images, labels, 0.03), expected)


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_pgd_is_captums_from_the_same_start():
    score, images = linear(), torch.rand(5, 3, 6, 6)
    labels = torch.tensor([0, 1, 2, 3, 0])
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(7)) * 2 - 1

    class SameStart(captum.robust.PGD):
        def _random_point(self, center, radius, norm, mask):
            return center + radius * noise

    expected = SameStart(score, torch.nn.NLLLoss(reduction="none"), 0, 1).perturb(
        images.clone().requires_grad_(),
        radius=0.03,
        step_size=2.5 * 0.03 / 4,
        step_num=4,
        target=labels,
        random_start=True,
    )
    attacked = pgd(score, images, labels, 0.03, 4, torch.Generator().manual_seed(7))
    assert torch.allclose(attacked, expected, atol=1e-6)
    assert not torch.allclose(attacked, fgsm(score, images, labels, 0.03), atol=1e-3)


def test_pgd_stays_in_reach_and_misleads_more_than_fgsm():
    score, images = linear(), torch.rand(64, 3, 6, 6)
    labels = score(images).argmax(dim=1)
    stream = torch.Generator().manual_seed(0)
    attacked = pgd(score, images, labels, 0.02, 10, stream)
    assert (attacked - images).abs().max() <= 0.02 + 1e-6
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    once = fgsm(score, images, labels, 0.02)
    loss = [-score(x).gather(1, labels[:, None]).sum() for x in (images, once, attacked)]
    assert loss[0] < loss[2]
    assert loss[2] >= 0.99 * loss[1]  # for a linear model both find the same corner


def test_members_without_a_gradient_are_recognised():
    networks = {
        name: build_network(name, 3, 16, pretrained=False) for name in ("simple_cnn", "hog_lbp_color+linear_svm")
    }
    smooth, rounded = (Classifier(network, [0.5] * 3, [0.5] * 3, 16) for network in networks.values())
    assert have_gradients(Decider([smooth], UNCALIBRATED))
    assert not have_gradients(Decider([smooth, rounded], UNCALIBRATED))


def test_corruptions_are_measured_on_every_image():
    pixels, labels = np.stack([photo(), 255 - photo()]), np.array([0, 1])
    table = measure_corruptions(lambda images: np.zeros(len(images), dtype=int), pixels, labels, ["blur"], 0)
    assert table["severity"].tolist() == [0, 1, 2, 3, 4, 5]
    assert (table["accuracy"] == 0.5).all()
    assert summarize_corruptions(table) == {"blur": 0.5, "mean": 0.5}


def test_attacks_are_measured_by_fifths_and_the_last_is_the_whole():
    torch.manual_seed(0)
    network = build_network("simple_cnn", 3, 16, pretrained=False).eval()
    torch.nn.init.normal_(network.head.weight)
    member = Classifier(network, [0.5] * 3, [0.5] * 3, 16)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    images = member.scale(torch.from_numpy(pixels))
    score, labels = score_with([member]), member(torch.from_numpy(pixels)).argmax(dim=1)
    settings = AttackSettings(epsilon=0.1, steps=3, memory_mb=1, device=torch.device("cpu"))
    table = measure_attacks(Decider([member], UNCALIBRATED), pixels, labels.numpy(), ["fgsm", "pgd"], settings, 0)
    assert table["curve"].tolist() == ["fgsm"] * 6 + ["pgd"] * 6
    assert table["severity"].tolist() == [*range(6)] * 2
    for severity in (0, 2, 5):
        found = score(fgsm(score, images, labels, 0.1 * severity / 5)).argmax(dim=1)
        assert table["accuracy"][severity] == pytest.approx((found == labels).double().mean().item())
    assert table["accuracy"][0] == table["accuracy"][6] == 1
    assert table["accuracy"][11] < 0.9
    assert summarize_attacks(table) == {"fgsm": table["accuracy"][5], "pgd": table["accuracy"][11]}


def test_what_is_drawn_where_nothing_is_asked_for():
    table = tabulate_unchanged(np.array([True, False, True, True]))
    assert table[["severity", "accuracy"]].to_numpy().tolist() == [[0, 0.75]]
    assert tabulate_unchanged(np.empty(0, dtype=bool)).empty


def test_outliers_by_hand():
    test, outside = np.array([[0.9, 1.0], [0.8, 2.0], [0.3, 3.0]]), np.array([[0.5, 0.0], [0.1, 0.5]])
    found = measure_outliers(test, outside)
    assert found["max_probability_auroc"] == pytest.approx(5 / 6)  # 0.3 is below 0.5, the other five pairs are right
    assert found["max_probability_fpr95"] == 0.5  # all test images are above 0.1 alone
    assert (found["energy_auroc"], found["energy_fpr95"]) == (1.0, 0.0)


def test_the_false_positive_rate_is_read_where_19_of_20_are_recognised():
    levels = np.repeat(np.arange(20.0)[:, None], 2, axis=1)
    assert measure_outliers(levels, levels)["energy_fpr95"] == pytest.approx(0.95)  # not at the curve's next corner
