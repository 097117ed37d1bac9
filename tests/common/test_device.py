import sys

import pytest
import torch

from sightline.common.device import leave_out_triton


@pytest.fixture
def no_triton_yet(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)  # so that it is put back afterwards
    del sys.modules["triton"]


def test_without_a_gpu_triton_is_not_there(no_triton_yet, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    leave_out_triton()
    with pytest.raises(ModuleNotFoundError, match="triton"):
        import triton  # noqa: F401


def test_with_a_gpu_triton_is_left_to_torch(no_triton_yet, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    leave_out_triton()
    assert "triton" not in sys.modules


def test_a_triton_that_is_loaded_stays(no_triton_yet, monkeypatch):
    loaded = object()
    monkeypatch.setitem(sys.modules, "triton", loaded)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    leave_out_triton()
    assert sys.modules["triton"] is loaded
