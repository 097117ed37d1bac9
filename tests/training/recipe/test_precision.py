import pytest
import torch

from sightline.training.recipe import precision
from sightline.training.recipe.precision import fastest_precision, times_as_long, warn_of_emulation

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch):
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def processor(monkeypatch):
    def pretend(times=1.0, **flags):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
        monkeypatch.setattr(precision, "times_as_long", lambda dtype, device: times)

    return pretend


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": True}, "bf16"),
        ({"avx512_f": True, "amx_bf16": True}, "bf16"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, "fp32"),
        ({"avx2": True, "avx_ne_convert": True}, "fp32"),
        ({"avx2": True}, "fp32"),
        ({"neon": True}, "fp32"),
    ],
)
def test_auto_takes_the_precision_that_the_processor_computes_in(processor, flags, expected):
    processor(**flags)
    assert fastest_precision(CPU) == expected


@pytest.mark.parametrize(
    ("held", "expected"),
    [("AVX2", "fp32"), ("avx512_core", "fp32"), ("AVX512_CORE_BF16", "bf16"), ("ALL", "bf16"), ("", "bf16")],
)
@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_auto_sees_what_onednn_is_held_to(processor, monkeypatch, name, held, expected):
    processor(avx512_bf16=True)
    monkeypatch.setenv(name, held)
    assert fastest_precision(CPU) == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_auto_takes_half_precision_on_gpus_that_emulate_bf16(monkeypatch, capability, expected):
    def is_supported(including_emulation=True):
        return including_emulation or capability >= (8, 0)

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    assert fastest_precision(CUDA) == expected


def test_emulated_bf16_is_told_with_its_factor(processor):
    processor(times=9.43, avx2=True)
    assert "9.4 times as long as in fp32: set `precision: auto`" in warn_of_emulation("bf16", CPU)
    assert warn_of_emulation("fp32", CPU) is None


@pytest.mark.parametrize(("times", "flags"), [(9.4, {"avx512_bf16": True}), (0.8, {"neon": True})])
def test_bf16_that_is_claimed_or_quick_is_not_told(processor, times, flags):
    processor(times, **flags)
    assert warn_of_emulation("bf16", CPU) is None


def test_measuring_leaves_threads_and_random_numbers_alone():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert times_as_long(torch.bfloat16, CPU) > 0
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_the_factor_is_that_of_the_time(monkeypatch):
    now = 0.0
    convolve = precision.conv2d

    def slow_in_bf16(*inputs, **options):
        nonlocal now
        now += 7.5 if torch.is_autocast_enabled("cpu") else 3.0
        return convolve(*inputs, **options)

    monkeypatch.setattr(precision, "conv2d", slow_in_bf16)
    monkeypatch.setattr(precision.time, "thread_time", lambda: now)
    assert times_as_long(torch.bfloat16, CPU) == 2.5
