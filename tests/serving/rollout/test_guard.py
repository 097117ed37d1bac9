"""When a candidate steps back, for how long, and that chance alone makes nobody do it."""

import random

import pytest

from running_service import serving
from shares_model import write_shares_model
from sightline.serving.metrics import Metrics
from sightline.serving.rollout.guard import BLOCK, FAILURES, Guard
from sightline.serving.settings import Settings


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guard(clock):
    settings = Settings(rollout_rest_s=100, rollout_errors=0.02, rollout_slower=1.5)
    made = Guard(settings, Metrics(), clock)
    made.count = lambda reason: made._metrics.registry.get_sample_value(
        "sightline_rollout_steps_back_total", {"reason": reason}
    )
    return made


def answer(guard, arm, times, failed=False, seconds=0.1):
    for _ in range(times):
        guard.observe(arm, failed, seconds)


def test_failures_of_the_candidate_alone_take_it_out_at_once(guard):
    answer(guard, "current", 50)
    answer(guard, "candidate", FAILURES - 1, failed=True)
    assert guard.allows()
    answer(guard, "candidate", 1, failed=True)
    assert not guard.allows()
    assert guard.count("errors") == 1


def test_failures_of_both_do_not(guard):
    answer(guard, "current", 45)
    answer(guard, "current", 5, failed=True)  # a tenth
    answer(guard, "candidate", 55)
    answer(guard, "candidate", 7, failed=True)  # 7 of 62 is less than 0.12
    assert guard.allows()
    answer(guard, "candidate", 1, failed=True)  # 8 of 63 is more
    assert not guard.allows()


def test_one_slow_block_is_forgiven_and_two_running_are_not(guard):
    def block(slow):
        """The limit is 1.5 times 0.1 s, and 10 ms."""
        answer(guard, "current", BLOCK)
        answer(guard, "candidate", slow, seconds=0.161)
        answer(guard, "candidate", BLOCK - slow, seconds=0.159)

    block(9)  # 0.09 is 3.07 deviations above 0 of 100
    assert guard.allows()
    block(8)  # 0.08 is 2.89
    block(9)
    assert guard.allows()
    block(9)
    assert not guard.allows()
    assert guard.count("latency") == 1


def test_a_slow_candidate_without_anybody_to_compare_with_stays(guard):
    answer(guard, "candidate", 3 * BLOCK, seconds=9)
    assert guard.allows()


def test_each_rest_is_twice_as_long_until_there_is_another_candidate(guard, clock, caplog):
    for rest in (100, 200, 400):
        answer(guard, "candidate", FAILURES, failed=True)
        clock.now += rest - 1
        assert not guard.allows()
        answer(guard, "candidate", FAILURES, failed=True)  # that were still on their way count for nothing
        clock.now += 1
        assert guard.allows()
    assert "steps back for 400 s because of its errors: current: 0 of 0 failed" in caplog.text
    assert caplog.text.count("is tried again") == 3
    answer(guard, "candidate", FAILURES, failed=True)
    guard.forget()
    assert guard.allows()
    answer(guard, "candidate", FAILURES, failed=True)
    clock.now += 100
    assert guard.allows()


def test_without_a_rest_it_never_comes_back(clock):
    guard = Guard(Settings(rollout_rest_s=0), Metrics(), clock)
    answer(guard, "candidate", FAILURES, failed=True)
    clock.now = 1e12
    assert not guard.allows()


def test_chance_makes_no_equal_candidate_step_back(guard):
    stream = random.Random(0)
    for _ in range(20_000):  # some 40 blocks of the candidate
        arm = "candidate" if stream.random() < 0.2 else "current"
        busy = 8 if stream.random() < 0.05 else 1  # which makes the 95th percentile a matter of chance
        guard.observe(arm, stream.random() < 0.005, busy * stream.lognormvariate(-3, 0.5))
    assert guard.allows()


def test_a_candidate_that_cannot_compute_is_noticed_by_few(shares_model, red, tmp_path):
    candidate = str(write_shares_model(tmp_path / "model.onnx"))
    options = {"candidate": candidate, "rollout": "canary", "rollout_share": 0.5}
    with serving(model=shares_model, **options) as service:
        model = service.application.rollout.versions.current.model
        object.__setattr__(model, "session", None)
        replies = [service.classify(red) for _ in range(60)]
        page = service.ask("GET", "/metrics").body.decode()
    assert [reply.status for reply in replies if reply.status != 200] == [500] * FAILURES
    assert {reply.headers["sightline-arm"] for reply in replies[-10:]} == {"resting"}
    assert "sightline_rollout_share 0.0" in page
    assert 'sightline_rollout_steps_back_total{reason="errors"} 1.0' in page
