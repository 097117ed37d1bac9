import captum.robust
import pytest
import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.sections import AdversarialSection
from sightline.training.adversary import Adversary, make_adversary
from sightline.training.recipe.losses import LOSSES, Loss

EPSILON = 25.5  # a tenth of the range


def make(method, steps=3, beta=2.0, smoothing=0.0):
    settings = AdversarialSection(method=method, epsilon=EPSILON, steps=steps, trades_beta=beta)
    return Adversary(settings, Loss(LOSSES["cross_entropy"], smoothing, 0.0, None, None))


class Network(nn.Module):
    """A batch norm, dropout and a linear layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(3 * 4 * 4, 3))

    def forward(self, images):
        return self.layers(images)


def batch():
    torch.manual_seed(1)
    return torch.rand(5, 3, 4, 4), torch.tensor([0, 1, 2, 0, 1]), torch.rand(5, 3, 4, 4) * 2 - 1


def test_none_is_no_adversary():
    settings = AdversarialSection(method="none", epsilon=8.0, steps=7, trades_beta=6.0)
    assert make_adversary(settings, None) is None


def test_pgd_goes_where_captums_does():
    """From the images themselves, since captum draws its start otherwise."""
    network = Network().eval()
    images, labels, _ = batch()
    attack = captum.robust.PGD(network, nn.CrossEntropyLoss(reduction="none"), lower_bound=0, upper_bound=1)
    expected = attack.perturb(images, radius=0.1, step_size=2.5 * 0.1 / 3, step_num=3, target=labels, norm="Linf")
    found = make("pgd").change(network, lambda tried: tried, images, labels, torch.zeros_like(images))
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize("method", ["pgd", "trades"])
def test_an_attack_stays_near_leaves_the_network_as_it_was_and_misleads_it(method):
    network = Network().train()
    network.layers[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images, labels, start = batch()
    changed = make(method, steps=10).change(network, lambda tried: tried, images, labels, start)
    attacked = changed[-5:]
    assert (attacked - images).abs().max() <= 0.1 + 1e-6
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert [module.training for module in network.layers] == [True, False, True, True]
    assert all(parameter.grad is None for parameter in network.parameters())
    network.eval()
    told, says = network(images).log_softmax(dim=1), network(attacked).log_softmax(dim=1)
    if method == "pgd":
        assert functional.nll_loss(says, labels) > functional.nll_loss(told, labels) + 0.05
    else:
        assert torch.equal(changed[:5], images)
        random = network((images + 0.1 * start).clamp(0, 1)).log_softmax(dim=1)
        apart = [functional.kl_div(other, told, reduction="sum", log_target=True) for other in (random, says)]
        assert apart[1] > 2 * apart[0]


def test_the_loss_of_trades_worked_out_by_hand():
    """Clean (1/2, 1/2), attacked (3/4, 1/4): KL is ln(2/3)/2 + ln(2)/2 = ln(4/3)/2, and the labels' loss ln 2."""
    logits = torch.tensor([[1.0, 1.0], [3.0, 1.0]]).log()
    loss = make("trades", beta=2.0).loss(logits, torch.tensor([0]))
    assert loss.item() == pytest.approx(torch.log(torch.tensor(2.0)).item() + torch.log(torch.tensor(4 / 3)).item())


def test_pgd_takes_mixed_labels_and_its_loss_is_that_of_the_labels():
    images, labels, start = batch()
    network = Network().eval()
    shares = functional.one_hot(labels, 3).float()
    found = [make("pgd").change(network, lambda tried: tried, images, targets, start) for targets in (labels, shares)]
    torch.testing.assert_close(found[0], found[1])
    assert make("pgd", smoothing=0.1).loss(torch.zeros(2, 3), labels[:2]).item() == pytest.approx(1.0986, abs=1e-4)
