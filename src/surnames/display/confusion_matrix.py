"""Confusion matrices as the text of an SVG file: the same values give the same bytes.

From a template instead of matplotlib: the study draws one for every run, where that takes a tenth
of a second for each, and here every cell tells its share to who points at it.
"""

from collections.abc import Sequence
from functools import cache

from jinja2 import Template

from surnames.display.rendering import environment

BLUE, VERMILLION = "#0072B2", "#D55E00"  # Okabe and Ito's


@cache
def _template() -> Template:
    return environment().get_template("display/templates/confusion.svg")


def draw(
    shares: Sequence[Sequence[float]],
    languages: Sequence[str],
    difference: bool = False,
    title: str = "",
    key: str = "shares",
) -> str:
    """Shares (languages, languages): a row for the right language, a column for the answer.

    A `difference` of two such is drawn from blue (less often) over white to vermillion (more). The
    `key` is what the drawing's own gradient is called: no two of a page may share it.
    """
    largest = max((abs(share) for row in shares for share in row), default=0)
    limit = max(0.1, largest) if difference else 1.0
    end = f"{100 * limit:.0f} %"
    shades = [(0, BLUE, 0), (1, BLUE, 1)]
    opposed = [(0, BLUE, 1), (0.5, BLUE, 0), (0.5, VERMILLION, 0), (1, VERMILLION, 1)]

    def cell(share: float) -> tuple[str, str, float]:
        colour = VERMILLION if difference and share > 0 else BLUE
        return f"{100 * share:.1f}", colour, round(abs(share) / limit, 3)

    return _template().render(
        cells=[[cell(share) for share in row] for row in shares],
        languages=languages,
        key=key,
        titles=title.splitlines(),
        lowest=f"\N{MINUS SIGN}{end}" if difference else "0 %",
        highest=f"+{end}" if difference else end,
        scale=opposed if difference else shades,
    )


def clustered(shares: Sequence[Sequence[float]]) -> list[int]:
    """An order in which languages that are taken for each other stand side by side.

    From the shares (languages, languages) of one confusion matrix, both directions together:
    average linkage, and of its orders the one in which neighbours are nearest (Bar-Joseph et al.,
    "Fast optimal leaf ordering for hierarchical clustering", Bioinformatics 17, 2001).
    """
    import numpy as np
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    confused = np.array(shares)
    confused = (confused + confused.T) / 2
    np.fill_diagonal(confused, 0)
    distances = confused.max() - confused
    np.fill_diagonal(distances, 0)
    near = squareform(distances)
    return hierarchy.leaves_list(hierarchy.linkage(near, "average", optimal_ordering=True)).tolist()
