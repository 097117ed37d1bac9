import pandas as pd

from sightline.explaining.choice import choose


def table(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    predictions = pd.DataFrame(rows, columns=["label", "predicted", "confidence"])
    return predictions.assign(id=[f"image_{row}" for row in range(len(rows))], row=range(len(rows)))


def test_correct_go_round_the_classes_and_wrong_by_confidence():
    test = table(
        [(0, 0, 0.9), (0, 0, 0.8), (1, 1, 0.7), (2, 0, 0.5), (1, 1, 0.6), (0, 2, 0.9), (1, 2, 0.9), (3, 3, 0.4)]
    )
    chosen = choose(test, images=4)
    assert chosen["name"].tolist() == [*(f"correct_0{n}" for n in range(4)), *(f"wrong_0{n}" for n in range(3))]
    assert chosen["row"].tolist() == [0, 2, 7, 1, 5, 6, 3]


def test_nothing_wrong_nothing_right_nothing_at_all():
    assert choose(table([(0, 0, 0.9)]), images=8)["name"].tolist() == ["correct_00"]
    assert choose(table([(0, 1, 0.9)]), images=8)["name"].tolist() == ["wrong_00"]
    assert choose(table([]), images=8).empty
    assert choose(table([(0, 0, 0.9), (0, 1, 0.9)]), images=0).empty
