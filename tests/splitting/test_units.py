import numpy as np

from sightline.splitting.units import index_units


def test_units_are_indexed_as_numpy_does_by_sorting():
    units = np.random.default_rng(0).integers(0, 500, 1000)
    _, first, unit_of = np.unique(units, return_index=True, return_inverse=True)
    found = index_units(units)
    assert found[0].tolist() == first.tolist()
    assert found[1].tolist() == unit_of.tolist()
