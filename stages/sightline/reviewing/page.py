"""The review as one page that opens anywhere: a card a label, choices, and a button that saves review.csv."""

import base64
import io
import json
from html import escape

import numpy as np
import pandas as pd

from sightline.drawing.canvas import FRAME, INK, MUTED, PAPER, RIGHT, WRONG
from sightline.drawing.contact_sheet import thumbnail
from sightline.preparing.corrections import ACTIONS
from sightline.reviewing.script import SCRIPT

SIDE, SMALL = 144, 56  # px: of an image, and of its neighbours
STYLE = f"""
body {{ font: 15px/1.45 system-ui, sans-serif; color: {INK}; background: {PAPER}; margin: 1.5rem auto; max-width: 74rem;
  padding: 0 1rem }}
header {{ position: sticky; top: 0; z-index: 1; background: {PAPER}; padding: .6rem 0;
  border-bottom: 1px solid {FRAME} }}
h1 {{ font-size: 1.3rem; margin: 0 0 .3rem }}
p {{ color: {MUTED}; margin: .2rem 0 }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: .8rem; margin-top: .8rem }}
article {{ border: 1px solid {FRAME}; border-radius: 6px; padding: .6rem; display: flex; flex-wrap: wrap; gap: .6rem }}
article.keep {{ border-left: 5px solid {RIGHT} }}
article.relabel {{ border-left: 5px solid #2563eb }}
article.remove {{ border-left: 5px solid {WRONG} }}
img {{ border: 1px solid {FRAME} }}
figure img {{ display: block }}
figure {{ display: inline-block; margin: 0 .2rem 0 0; text-align: center; font-size: .7rem; width: {SMALL + 2}px;
  overflow: hidden; white-space: nowrap; text-overflow: ellipsis; color: {MUTED} }}
.said {{ flex: 1; min-width: 10rem; overflow-wrap: anywhere }}
.near {{ flex-basis: 100% }}
select, input, button {{ font: inherit; padding: .15rem .3rem; max-width: 100% }}
small {{ color: {MUTED} }}
"""


def write_page(
    table: pd.DataFrame, pictures: list[np.ndarray], near: list[list[tuple[str, np.ndarray]]], classes: list[str]
) -> str:
    """Return the page.

    Parameters
    ----------
    table : pandas.DataFrame
        review.csv.
    pictures : list of ndarray
        uint8 [H, W, channels] of each row.
    near : list of list of (str, ndarray)
        Class and image of the neighbours of each row.
    classes : list of str
    """
    cards = [
        _card(row, picture, neighbours, classes)
        for row, picture, neighbours in zip(table.to_dict("records"), pictures, near, strict=True)
    ]
    data = json.dumps(table.astype(str).replace("nan", "").to_dict("split", index=False), ensure_ascii=False)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Labels to review</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{len(table):,} labels that may be wrong</h1>\n"
        '<p id="counts"></p>\n<label>your name <input id="who" autocomplete="name"></label> '
        '<button id="save">save review.csv</button>\n'
        "<p>Each card proposes something: change what is wrong, then save the file and run "
        "<code>make review APPLY=&lt;the saved file&gt;</code>.</p></header>\n"
        f"<main>\n{''.join(cards)}</main>\n"
        f'<script type="application/json" id="rows">{data.replace("<", chr(92) + "u003c")}</script>\n'
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _card(row: dict, picture: np.ndarray, near: list[tuple[str, np.ndarray]], classes: list[str]) -> str:
    said = [f"<b>{escape(row['given'])}</b>{_percent(row['given_probability'])}"]
    said.append(f"<small>suggested</small> {escape(row['suggested'])}{_percent(row['suggested_probability'])}")
    said.append(f"<small>{escape(row['reason'])}, {escape(row['subset'])}<br>{escape(row['id'])}</small>")
    actions = _options(["", *ACTIONS], row["action"], {"": "undecided"})
    figures = "".join(
        f'<figure><img alt="" width="{SMALL}" height="{SMALL}" src="{_source(pixels, SMALL)}">{escape(name)}</figure>'
        for name, pixels in near
    )
    return (
        f'<article><img alt="{escape(row["id"])}" width="{SIDE}" height="{SIDE}" src="{_source(picture, SIDE)}">'
        f'<div class="said">{"<br>".join(said)}<br><select class="action" aria-label="what to do">{actions}</select> '
        f'<select class="label" aria-label="class">{_options(classes, row["label"], {})}</select></div>'
        f'<div class="near">{figures}</div></article>\n'
    )


def _options(values: list[str], chosen: str, words: dict[str, str]) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words.get(value, value))}'
        "</option>"
        for value in values
    )


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f" {share:.1%}"


def _source(pixels: np.ndarray, side: int) -> str:
    stream = io.BytesIO()
    thumbnail(pixels, side).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
