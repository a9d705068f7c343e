"""docs/findings.md: what the study says, claim by claim."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from surnames.core import tables
from surnames.display import sentences
from surnames.display.escaping import code
from surnames.display.escaping import markdown as escaped
from surnames.display.html import render
from surnames.display.wording import MINUS, PARTS, level
from surnames.documents.paths import FINDINGS
from surnames.study import claims, summary
from surnames.study.paths import EFFECTS

MAIN = "macro_recall"  # the metric that is not named


def markdown() -> str:
    """The page, from results/ alone."""
    figures, ledger = summary.load(), claims.verdicts()
    page = render(
        "documents/templates/findings.md",
        plain=sentences.plain(ledger),
        doubted=sentences.doubted(ledger),
        answer=sentences.answer(figures),
        data_set=sentences.data_set(figures),
        ledger=ledger,
        confidence=level(ledger["confidence"]),
        effects=[row for row in tables.read_table(EFFECTS) if row["activation"] == "relu"],
        parts=PARTS,
        compared=compared,
    )
    return str(page)


def write(path: Path = FINDINGS) -> None:
    """Write the page where it is another one."""
    page = markdown()
    if not path.is_file() or path.read_text(encoding="utf-8") != page:
        tables.replace_text(path, page)


def compared(claim: dict[str, Any]) -> Markup:
    """The contrast of a claim as a formula."""
    text = ""
    for weight, run, metric in claim["terms"]:
        sign = MINUS if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} × "
        named = f"{factor}{code(run)}" + ("" if metric == MAIN else f" ({escaped(metric)})")
        text += f" {sign} {named}" if text or sign != "+" else named
    return Markup(text.strip())
