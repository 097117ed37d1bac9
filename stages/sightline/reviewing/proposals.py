"""What to do about a doubted label: keep it, change it, or take the image out."""

import numpy as np
import pandas as pd

SURE = 0.5  # probability of the suggested class from which it is proposed without its neighbours' consent


def propose(issues: pd.DataFrame, neighbour_labels: np.ndarray) -> pd.DataFrame:
    """Add what is proposed to each doubted label.

    Relabel, where most neighbours have the suggested class, or where it is probable and they do not defend the label;
    keep, where most neighbours have the label; remove, where neither is so: nobody can tell what it shows.

    Parameters
    ----------
    issues : pandas.DataFrame
        label and suggested (int), probability of the suggested class (NaN: unknown).
    neighbour_labels : ndarray
        int [issues, neighbours], maybe no neighbour.

    Returns
    -------
    pandas.DataFrame
        The issues with action, and proposed (int): the class that the image has afterwards.
    """
    given, suggested = issues["label"].to_numpy(), issues["suggested"].to_numpy()
    most = neighbour_labels.shape[1] / 2
    for_label = (neighbour_labels == given[:, np.newaxis]).sum(axis=1)
    for_suggested = (neighbour_labels == suggested[:, np.newaxis]).sum(axis=1)
    probable = issues["probability"].to_numpy() >= SURE
    keep = (for_label > most) | ((most == 0) & ~probable)
    relabel = ~keep & ((for_suggested > most) | (probable & (for_label <= for_suggested)))
    action = np.select([keep, relabel], ["keep", "relabel"], "remove")
    return issues.assign(action=action, proposed=np.where(relabel, suggested, given))
