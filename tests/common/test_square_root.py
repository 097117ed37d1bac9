"""torch's square root, made of its reciprocal one."""

import math

import numpy as np
import torch

from sightline.common.device import square_root, square_root_in_place, square_root_into


def test_exact_values_keep_theirs():
    values = torch.tensor([0.0, 0.25, 1.0, 4.0, 65536.0, math.inf])
    assert square_root(values).tolist() == [0.0, 0.5, 1.0, 2.0, 256.0, math.inf]
    assert square_root(torch.tensor([-1.0])).isnan().all()


def test_other_values_are_two_roundings_from_the_nearest_at_most():
    values = np.random.default_rng(0).uniform(1e-6, 1e6, 10_000).astype(np.float32)
    exact = np.sqrt(values.astype(np.float64))
    found = square_root(torch.from_numpy(values)).numpy()
    assert (np.abs(found - exact) <= 2 * np.spacing(exact.astype(np.float32))).all()


def test_in_place_and_into_another_tensor_it_is_the_same():
    values = torch.rand(100, generator=torch.Generator().manual_seed(0))
    expected, out = square_root(values), torch.empty(100)
    assert square_root_into(values, out=out) is out
    assert torch.equal(out, expected)
    assert square_root_in_place(values) is values
    assert torch.equal(values, expected)
