"""Tables as text: aligned for a terminal, and as markdown."""

from collections.abc import Sequence

from markupsafe import Markup
from tabulate import tabulate

from surnames.display import escaping

# tabulate reads "1e5" or "+1.0" as numbers unless told not to, and would print them its own way
_AS_WRITTEN = {"disable_numparse": True}


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table for a terminal; the columns numbered in `right` are aligned to the right."""
    sides = ["right" if column in right else "left" for column in range(len(head))]
    rows = [[*map(escaping.terminal, row)] for row in rows]
    text = tabulate(rows, head, tablefmt="simple", colalign=sides, **_AS_WRITTEN)
    return "\n".join(line.rstrip() for line in text.splitlines())


def markdown(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> Markup:
    """A table in markdown; the columns numbered in `right` are aligned to the right."""
    sides = ["---:" if column in right else "---" for column in range(len(head))]
    lines = [[str(escaping.markdown(cell)).strip() for cell in line] for line in (head, *rows)]
    lines.insert(1, sides)
    return Markup("\n".join(f"| {' | '.join(line)} |" for line in lines))
