"""Classical classifiers as torch modules: one score a class from features, by scikit-learn's own numbers.

Each holds the tensors of a fitted estimator. How many support vectors or tree nodes there are is known only then, so
a head takes the shapes of what is loaded into it; until then it gives every class the same score.
"""

import torch
from torch import nn
from torch.nn import functional

STEEPNESS = 4.0  # of a pair's vote: on CIFAR-10 as accurate as whole votes, and smooth
LEAST_SHARE = 1e-3  # of the trees' votes, where its logarithm is taken


class Head(nn.Module):
    """Scores float [N, classes] from features float [N, D]; the tensors' shapes are those of what is loaded."""

    def __init__(self):
        super().__init__()
        self.register_load_state_dict_pre_hook(_take_shapes)

    def take(self, **tensors: torch.Tensor) -> None:
        """Hold a fitted estimator's tensors, each where the one before it was."""
        for name, tensor in tensors.items():
            setattr(self, name, tensor.to(self.get_buffer(name).device))


class LinearHead(Head):
    """One hyperplane a class: x W' + b, as `LinearSVC.decision_function`."""

    def __init__(self, classes: int, width: int):
        super().__init__()
        self.register_buffer("weight", torch.zeros(classes, width))  # [classes, D]
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.linear(features, self.weight, self.bias)


class KernelHead(Head):
    """A support vector machine with the kernel exp(-|x - s|^2), one against one.

    The score of a class is the sum over its pairs of log sigmoid(4 d), d the pair's decision value in its favour: a
    vote that knows how sure it is. scikit-learn adds up whole votes, which jump where a decision value passes 0.
    """

    def __init__(self, classes: int, width: int):
        super().__init__()
        pairs = torch.combinations(torch.arange(classes))
        self.register_buffer("support", torch.zeros(1, width))  # [S, D]
        self.register_buffer("coefficients", torch.zeros(1, len(pairs)))  # [S, pairs]
        self.register_buffer("intercept", torch.zeros(len(pairs)))
        self.register_buffer("first", functional.one_hot(pairs[:, 0], classes).float(), persistent=False)
        self.register_buffer("second", functional.one_hot(pairs[:, 1], classes).float(), persistent=False)

    def decide(self, features: torch.Tensor) -> torch.Tensor:
        """Return each pair's decision value, [N, pairs], as `SVC.decision_function` with shape "ovo".

        Positive for the first class of the pairs (0, 1), (0, 2), ..., (1, 2), ...
        """
        lengths = features.square().sum(dim=1, keepdim=True) + self.support.square().sum(dim=1)
        distances = (lengths - 2 * features @ self.support.T).clamp(min=0)
        return torch.exp(-distances) @ self.coefficients + self.intercept

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        decisions = STEEPNESS * self.decide(features)
        return functional.logsigmoid(decisions) @ self.first + functional.logsigmoid(-decisions) @ self.second


class ForestHead(Head):
    """Decision trees, their nodes one after the other; the score is the logarithm of the mean leaf's class share."""

    def __init__(self, classes: int, width: int):
        super().__init__()
        for name in ("left", "right", "feature"):  # [nodes]
            self.register_buffer(name, torch.zeros(1, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(1))  # [nodes]: a feature of at most so much goes left
        self.register_buffer("roots", torch.zeros(1, dtype=torch.int64))  # [trees]
        self.register_buffer("level_sizes", torch.ones(1, dtype=torch.int64))  # nodes of all trees at depth 0, 1, ...
        self.register_buffer("shares", torch.ones(1, classes) / classes)  # [nodes, classes]

    def vote(self, features: torch.Tensor) -> torch.Tensor:
        """Return the trees' mean class shares, [N, classes], as `RandomForestClassifier.predict_proba`.

        Every tree takes as many steps as the deepest has levels below its root; both children of a leaf are itself.
        """
        nodes = self.roots.expand(features.shape[0], -1)
        for _ in range(len(self.level_sizes) - 1):
            goes_left = features.gather(1, self.feature[nodes]) <= self.threshold[nodes]
            nodes = torch.where(goes_left, self.left[nodes], self.right[nodes])
        return self.shares[nodes].mean(dim=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.vote(features).clamp(min=LEAST_SHARE).log()


HEADS: dict[str, type[Head]] = {"linear_svm": LinearHead, "svm": KernelHead, "random_forest": ForestHead}


def _take_shapes(head: Head, state: dict[str, torch.Tensor], prefix: str, *_: object) -> None:
    names = [name for name, _ in head.named_buffers(recurse=False) if prefix + name in state]
    head.take(**{name: torch.empty_like(state[prefix + name]) for name in names})
