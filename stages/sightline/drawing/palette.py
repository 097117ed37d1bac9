"""The colours of every picture and chart, so that one thing looks alike wherever it is drawn.

The page of `dvc plots show` (.dvc/plots) cannot import them and says them again: tests/test_plots_page.py compares.
"""

INK = "#1b1f24"  # text
MUTED = "#6b7280"  # captions, axes
PAPER = "#ffffff"
FRAME = "#d1d5db"  # around images
GRID = "#e5e7eb"  # lines between cells and behind curves
RIGHT, WRONG = "#15803d", "#b91c1c"  # decisions; changes for the better and for the worse
BARS = "#c7d2e5"  # counts and shares
BEFORE, AFTER = "#9ca3af", "#1d4ed8"  # what was, and what is
MARK = "#ea580c"  # what is pointed out
WORSE_TO_BETTER = (WRONG, "#f7b4a8", PAPER, "#a7dcb4", RIGHT)  # changes
SHARES = "Blues"  # matplotlib's and Vega's name of the scale from 0 to 1
OTHERS = ("#0d9488", "#9333ea", "#ca8a04", "#db2777", "#4b5563", "#0ea5e9", "#65a30d", "#78350f")
SERIES = (AFTER, MARK, *OTHERS)  # revisions, curves
SUBSETS = {"train": "#93b0e0", "val": "#e9a23b", "test": "#0f766e"}
