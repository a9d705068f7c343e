"""Who is taken for whom, on unseen names: the tutorial's network, the fixed one, the difference."""

from surnames.display import confusion_matrix
from surnames.display.html import Figure, Section, Table
from surnames.display.wording import MINUS
from surnames.report.report_data import COMPARED, ReportData
from surnames.report.sections.parts import prose

Shares = list[list[float]]


def confusions(data: ReportData) -> Section:
    """Confusion matrices with their tables, languages that are confused side by side."""
    found = {name: data.shares("held_out", name) for name in COMPARED}
    missing = [name for name, shares in found.items() if not shares]
    held = {name: shares for name, shares in found.items() if shares}
    text = prose("confusions", missing=", ".join(missing))
    title = "Who is taken for whom"
    if not held:
        return Section("confusions", title, [text])
    order = confusion_matrix.clustered(list(held.values())[-1])
    languages = [data.languages[k] for k in order]
    held = {name: [[shares[j][k] for k in order] for j in order] for name, shares in held.items()}
    figures = [
        Figure(
            confusion_matrix.draw(shares, languages, key=name),
            f"Confusion matrix of {name} on unseen names; the table beneath holds its shares.",
            f"{name}.",
            inline=True,
        )
        for name, shares in held.items()
    ]
    tables = [
        _table(f"{name}: answers in percent of the row's names", languages, shares)
        for name, shares in held.items()
    ]
    if not missing:
        old, new = held.values()
        change = [
            [b - a for a, b in zip(*rows, strict=True)] for rows in zip(old, new, strict=True)
        ]
        figures.append(
            Figure(
                confusion_matrix.draw(change, languages, difference=True, key="difference"),
                "The difference of the two confusion matrices, fixed less tutorial_2017; the table "
                "beneath holds its points.",
                "fixed less tutorial_2017: vermillion is more often, blue less often. The scale "
                "ends at the largest difference.",
                inline=True,
            )
        )
        tables.append(_table("fixed less tutorial_2017, in points", languages, change))
    return Section("confusions", title, [text], figures, tables)


def _table(caption: str, languages: list[str], shares: Shares) -> Table:
    rows = [
        [language, *(f"{100 * share:.0f}".replace("-0", "0").replace("-", MINUS) for share in row)]
        for language, row in zip(languages, shares, strict=True)
    ]
    return Table(caption, ["right language", *languages], rows, folded=True)
