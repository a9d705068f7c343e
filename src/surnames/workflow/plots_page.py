"""The page in which `dvc plots` draws, with Vega inside it: DVC's own fetches Vega each time.

`python -m surnames.workflow.plots_page` writes it beside DVC's configuration and names it in
config.local. Without either, DVC uses its own page.
"""

from pathlib import Path

from surnames import dvc_repo
from surnames.core import tables

PLOTS_PAGE = Path(".dvc/plots.html")
TEMPLATE = Path(__file__).parent / "templates/plots.html"
SNIPPET = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"


def page() -> str:
    """DVC's template of a page, with Vega, Vega-Lite and Vega-Embed in it instead of `{scripts}`.

    DVC itself fills in `{refresh_tag}` and `{plot_divs}`. BUNDLE stands in a function of its own,
    because it names hundreds of things that would become the page's.
    """
    import vl_convert

    template = TEMPLATE.read_text(encoding="utf-8")
    return template.replace("BUNDLE", vl_convert.javascript_bundle(SNIPPET))


def main() -> None:
    """Write the page and name it in .dvc/config.local."""
    tables.replace_text(PLOTS_PAGE, page())
    dvc_repo.run("config", "--local", "plots.html_template", PLOTS_PAGE.name)


if __name__ == "__main__":
    main()
