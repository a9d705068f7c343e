"""The pages in git that a command writes figures into."""

from pathlib import Path

README = Path("README.md")
FINDINGS = Path("docs/findings.md")
