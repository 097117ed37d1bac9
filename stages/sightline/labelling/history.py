"""`labels/history.csv`: who labelled what, when, and what it was before; lines are added, never changed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.common.files import write_table
from sightline.labelling.answers import Answer
from sightline.labelling.batch import read_kept
from sightline.labelling.table import Change

if TYPE_CHECKING:
    import pandas as pd

NAME = "history.csv"
COLUMNS = (
    "id",
    "sha256",
    "before",
    "label",
    "annotators",
    "moment",
    "agreement",
    "prediction",
    "confidence",
    "strategy",
    "batch",
    "export",
)


def record(changes: list[Change], answers: dict[str, Answer], asked: "pd.DataFrame", export: str) -> "pd.DataFrame":
    """Return a row for each change.

    Parameters
    ----------
    changes : list of Change
        Their paths are ids.
    answers : dict of str to Answer
        By id.
    asked : pandas.DataFrame
        The batches' rows; of an image that was asked for twice the last one counts.
    export : str
        The name of the file that told it.
    """
    import pandas as pd

    of_id = asked.drop_duplicates("id", keep="last").set_index("id")
    rows = []
    for path, before, label in changes:
        answer = answers[path]
        told = of_id.loc[path, ["sha256", "prediction", "confidence", "strategy", "batch"]].to_dict()
        said = {"annotators": answer.annotators, "moment": answer.moment, "agreement": round(answer.agreement, 3)}
        rows.append({"id": path, "before": before, "label": label, "export": export} | told | said)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_history(folder: Path) -> "pd.DataFrame":
    """Return the rows of the history below `folder`; none where nothing was read back."""
    import pandas as pd

    text = tuple(name for name in COLUMNS if name not in ("agreement", "confidence", "batch"))
    return read_kept(folder / NAME, text=text) if (folder / NAME).exists() else pd.DataFrame(columns=list(COLUMNS))


def add_to_history(folder: Path, old: "pd.DataFrame", new: "pd.DataFrame") -> None:
    """Add rows to the history, once each: a run that was ended between two files may be repeated."""
    import pandas as pd

    together = pd.concat([each for each in (old, new) if len(each)] or [old], ignore_index=True)
    write_table(folder / NAME, together.drop_duplicates(["id", "before", "label", "moment", "export"]))


def find_newest(history: "pd.DataFrame") -> dict[str, datetime]:
    """Return when each image was last labelled, by its id; images of tools that tell no moment are left out."""
    newest: dict[str, datetime] = {}
    for path, text in zip(history["id"], history["moment"], strict=True):
        moment = as_moment(text)
        if moment:
            newest[path] = max(moment, newest.get(path, moment))
    return newest


def is_older(answer: Answer, known: datetime | None) -> bool:
    """Tell whether a label was given before what is known of its image; without a moment nobody can tell."""
    moment = as_moment(answer.moment)
    return bool(moment and known and moment < known)


def confirm(answers: dict[str, Answer], changes: list[Change], newest: dict[str, datetime]) -> list[Change]:
    """Return the labels that were given anew and are what they were, so that what is older can be told from them."""
    changed = {change.path for change in changes}
    confirmed = []
    for path, answer in answers.items():
        moment = as_moment(answer.moment)
        if moment and path not in changed and (path not in newest or moment > newest[path]):
            confirmed.append(Change(path, answer.label, answer.label))
    return confirmed


def as_moment(text: str) -> datetime | None:
    """Return a moment that a label tool wrote, in UTC where it names no zone; None for ``""`` and what is no date."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
