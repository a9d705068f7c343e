"""Who is taken for whom, on unseen names: the tutorial's network, the fixed one, the difference."""

from typing import Any

from surnames.display.confusion_matrix import clustered, draw
from surnames.display.sentences import COMPARED
from surnames.display.wording import MINUS
from surnames.report.report_data import ReportData


def confusions(data: ReportData) -> dict[str, Any]:
    """Confusion matrices as pictures and tables, languages that are confused side by side."""
    every = {name: data.shares("held_out", name) for name in COMPARED}
    held = {name: shares for name, shares in every.items() if shares.size}
    missing = [name for name in COMPARED if name not in held]
    matrices: list[tuple[str, str, list[list[str]]]] = []
    languages = data.languages
    if held:
        order = clustered(list(held.values())[-1].tolist())
        languages = [languages[k] for k in order]
        held = {name: shares[order][:, order] for name, shares in held.items()}
        if not missing:
            old, new = held.values()
            held["difference"] = new - old
    for name, shares in held.items():
        picture = draw(shares.tolist(), languages, name == "difference", key=name)
        matrices.append((name, picture, [[_whole(share) for share in row] for row in shares]))
    return {"missing": missing, "languages": languages, "matrices": matrices}


def _whole(share: float) -> str:
    """In percent or points, without decimals."""
    return f"{100 * share:.0f}".replace("-0", "0").replace("-", MINUS)
