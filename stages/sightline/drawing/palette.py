"""The colours of every picture, so that one thing looks alike wherever it is drawn."""

INK = "#1b1f24"  # text
MUTED = "#6b7280"  # captions, axes
PAPER = "#ffffff"
FRAME = "#d1d5db"  # around images
GRID = "#e5e7eb"  # lines between cells and behind curves
RIGHT, WRONG = "#15803d", "#b91c1c"  # decisions
BARS = "#c7d2e5"  # counts and shares
BEFORE, AFTER = "#9ca3af", "#1d4ed8"  # what was, and what is
