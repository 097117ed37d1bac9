"""Each job's part of the machine."""

from sightline.experiments import shares


def test_cores_are_divided_and_each_job_has_a_gpu(monkeypatch):
    monkeypatch.setattr(shares, "count_cores", lambda: 8)
    given = [shares.share(slot, 3, 0, ["GPU-a", "GPU-b"]) for slot in range(3)]
    assert [variables["OMP_NUM_THREADS"] for variables in given] == ["2", "2", "2"]
    assert [variables["CUDA_VISIBLE_DEVICES"] for variables in given] == ["GPU-a", "GPU-b", "GPU-a"]


def test_a_job_has_one_thread_at_least_and_no_gpu_where_there_is_none(monkeypatch):
    monkeypatch.setattr(shares, "count_cores", lambda: 2)
    assert shares.share(4, 8, 0, [])["OMP_NUM_THREADS"] == "1"
    assert shares.share(0, 1, 7, [])["OMP_NUM_THREADS"] == "7"
    assert "CUDA_VISIBLE_DEVICES" not in shares.share(0, 1, 0, [])


def test_gpus_are_those_that_the_user_allows(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert shares.find_gpus() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert shares.find_gpus() == []
