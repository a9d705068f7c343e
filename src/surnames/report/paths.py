"""What the stage `report` writes."""

from pathlib import Path

REPORT = Path("reports/index.html")
DATA_CARD = Path("reports/data.md")
HEADLINE = Path("reports/headline.svg")  # the README's picture
