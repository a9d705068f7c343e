"""Tables as text: aligned for a terminal, and as markdown."""

from collections.abc import Sequence

from tabulate import tabulate

# tabulate reads "1e5" or "+1.0" as numbers unless told not to, and would print them its own way
_AS_WRITTEN = {"disable_numparse": True}

# what a page would take for markup, a link, a mention or the end of a table's cell
MARKUP = str.maketrans({mark: f"&#{ord(mark)};" for mark in "\\`*[]<>|&@"})


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table for a terminal; the columns numbered in `right` are aligned to the right."""
    sides = ["right" if column in right else "left" for column in range(len(head))]
    text = tabulate(rows, head, tablefmt="simple", colalign=sides, **_AS_WRITTEN)
    return "\n".join(line.rstrip() for line in text.splitlines())


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table in markdown; the columns numbered in `right` are aligned to the right."""
    sides = ["---:" if column in right else "---" for column in range(len(head))]
    lines = [head, sides, *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def escape_markdown(text: str) -> str:
    """Markdown that shows the text as it is, on one line and without any effect."""
    return " ".join(text.translate(MARKUP).split())


def escape_rows(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same of every cell of a table."""
    return [[*map(escape_markdown, row)] for row in rows]
