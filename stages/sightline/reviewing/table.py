"""The tables of a review: what is proposed, for a person to edit, and what was decided, for prepare to apply."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sightline.common.errors import SightlineError, quote_some
from sightline.preparing.corrections import COLUMNS, Correction

APART = " | "  # between neighbours


def tabulate(proposals: pd.DataFrame, classes: list[str], names: list[list[str]], digests: list[str]) -> pd.DataFrame:
    """Return review.csv: what `prepare.corrections` reads, then what helps to decide.

    Parameters
    ----------
    proposals : pandas.DataFrame
        As `propose` gives them.
    classes : list of str
    names : list of list of str
        Class and id of each neighbour, in one text, by row of `proposals`.
    digests : list of str
        SHA-256 of the files, or nothing.
    """
    of_class = pd.Series(classes)
    decided = {
        "id": proposals["id"].to_numpy(),
        "action": proposals["action"].to_numpy(),
        "label": of_class[proposals["proposed"]].to_numpy(),
        "who": "",
        "when": "",
        "reason": proposals["reason"].to_numpy(),
        "sha256": digests,
    }
    helps = {
        "subset": proposals["subset"].to_numpy(),
        "given": of_class[proposals["label"]].to_numpy(),
        "given_probability": proposals["own_probability"].round(4).to_numpy(),
        "suggested": of_class[proposals["suggested"]].to_numpy(),
        "suggested_probability": proposals["probability"].round(4).to_numpy(),
        "neighbours": [APART.join(of) for of in names],
    }
    return pd.DataFrame(decided | helps)


def refuse_unknown(decisions: dict[str, Correction], known: set[str], classes: list[str]) -> None:
    """Raise SightlineError for an id or a class that the prepared images do not have."""
    for decision in decisions.values():
        if decision.id not in known:
            raise SightlineError(f"{decision.where}: data/prepared/index.csv has no image {decision.id!r}")
        if decision.action == "relabel" and decision.label not in classes:
            raise SightlineError(
                f"{decision.where}: no class is called {decision.label!r}: the classes are {quote_some(classes)}"
            )


def merge(
    earlier: dict[str, Correction], decisions: dict[str, Correction], who: str, when: str
) -> dict[str, Correction]:
    """Return all decisions by id: a later one takes an earlier one's place.

    Who and when are filled in where empty; a label stays only where it is the new one.
    """
    signed = {
        name: replace(decision, who=decision.who or who, when=decision.when or when, label=decision.decision[1])
        for name, decision in decisions.items()
    }
    return earlier | signed


def find_missing(decisions: dict[str, Correction], earlier: dict[str, Correction]) -> list[str]:
    """Return the ids on which nothing was decided earlier, or something else."""
    return [name for name, one in decisions.items() if name not in earlier or earlier[name].decision != one.decision]


def as_table(corrections: dict[str, Correction]) -> pd.DataFrame:
    """Return the table that `prepare.corrections` reads, by id."""
    rows = [[getattr(corrections[name], column) for column in COLUMNS] for name in sorted(corrections)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def describe(decisions: dict[str, Correction], path: Path) -> list[str]:
    """Return lines on what was written, and on what to do next."""
    counts = Counter(decision.action for decision in decisions.values())
    said = ", ".join(f"{counts[action]:,} to {action}" for action in ("relabel", "remove", "keep") if counts[action])
    return [
        f"review: {len(decisions):,} decisions ({said or 'none'}) are in {path}",
        f"review: set prepare.corrections: {path} in params.yaml, `git add {path}`, then `dvc repro`",
    ]
