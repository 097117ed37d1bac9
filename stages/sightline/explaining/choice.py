"""Which predictions are worth explaining."""

import pandas as pd


def choose(test: pd.DataFrame, images: int) -> pd.DataFrame:
    """Choose up to `images` correct predictions and as many wrong ones.

    Correct ones go round the classes, in the order of the table; wrong ones come most confident first.

    Parameters
    ----------
    test : pandas.DataFrame
        Columns id, row, label, predicted, confidence.

    Returns
    -------
    pandas.DataFrame
        The chosen rows, and their `name`: correct_00, correct_01, ..., wrong_00, ...
    """
    right = test["label"] == test["predicted"]
    turn = test[right].groupby("label").cumcount()
    correct = test[right].assign(turn=turn).sort_values(["turn", "label"], kind="stable").head(images)
    wrong = test[~right].sort_values(["confidence", "id"], ascending=[False, True]).head(images)
    return pd.concat([_named(correct.drop(columns="turn"), "correct"), _named(wrong, "wrong")])


def _named(group: pd.DataFrame, kind: str) -> pd.DataFrame:
    return group.assign(name=[f"{kind}_{number:02}" for number in range(len(group))])
