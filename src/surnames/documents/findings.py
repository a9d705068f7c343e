"""docs/findings.md: what the study says, claim by claim."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from surnames.core import tables
from surnames.display import headline
from surnames.display.wording import points
from surnames.documents.paths import FINDINGS
from surnames.study import claims
from surnames.study.paths import EFFECTS

TEMPLATES = Path(__file__).parent / "templates"


def markdown() -> str:
    """The page, from results/ alone."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    summary = headline.load()
    ledger = claims.verdicts()
    return environment.get_template("findings.md").render(
        answer=headline.answer(summary),
        data_set=headline.data_set(summary),
        ledger=ledger,
        confidence=f"{100 * ledger['confidence']:g} %",
        effects=[row for row in tables.read_table(EFFECTS) if row["activation"] == "relu"],
        points=_points,
        words=_words,
        compared=_compared,
    )


def write(path: Path = FINDINGS) -> None:
    """Write the page where it is another one."""
    page = markdown()
    if not path.is_file() or path.read_text(encoding="utf-8") != page:
        tables.replace_text(path, page)


def _points(share: float | str | None) -> str:
    return points(None if share in (None, "") else float(share))


def _words(part: str) -> str:
    return PARTS[part]


def _compared(row: dict[str, Any]) -> str:
    """The contrast as a formula."""
    text = ""
    for weight, run, metric in row["terms"]:
        sign = "\N{MINUS SIGN}" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} × "
        named = f"{factor}`{run}`" + ("" if metric == "macro_recall" else f" ({metric})")
        text += f" {sign} {named}" if text or sign != "+" else named
    return text.strip()


PARTS = {
    "activation_alone": "the activation alone, read out beside the state",
    "readout_alone": "the readout alone, without an activation",
    "activation": "the activation, on the mean of both readouts",
    "readout": "the readout, on the mean of with and without activation",
    "interaction": "what both add together beyond each alone",
    "whole": "the whole fix",
}
