import numpy as np
import pandas as pd

from sightline.scoring.diagnosis.leakage import find_seen, summarize_leakage


def test_copies_and_near_copies_of_training_images_by_hand():
    samples = pd.DataFrame(
        {
            "subset": ["train", "val", "test", "test", "test"],
            "sha256": ["a", "b", "a", "c", "d"],
            "phash": [
                "0000000000000000",
                "00000000000000ff",
                "0000000000000000",
                "00000000000000fe",
                "ffff000000000000",
            ],
        }
    )
    seen = find_seen(samples, near_bits=1)
    assert seen["exact"].tolist() == [True, False, False]
    assert seen["near"].tolist() == [True, True, False]
    assert find_seen(samples, near_bits=0)["near"].tolist() == [True, False, False]
    assert summarize_leakage(seen, np.array([True, True, False])) == {
        "leakage": {"exact": 1, "accuracy_without_exact": 0.5, "near": 2, "accuracy_without_near": 0.0}
    }


def test_without_leaks_or_without_anything_else_there_is_no_second_accuracy():
    none = {"exact": np.array([False]), "near": np.array([True])}
    assert summarize_leakage(none, np.array([True])) == {"leakage": {"exact": 0, "near": 1}}
    empty = np.empty(0, dtype=bool)
    assert summarize_leakage({"exact": empty}, empty) == {}
