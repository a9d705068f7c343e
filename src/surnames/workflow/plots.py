"""What `dvc plots` draws with: the templates of its plots, and a page with Vega inside it.

The templates are in git, so that it draws in any clone; `surnames repro` writes them again from
templates/plots.yaml. `python -m surnames.workflow.plots` writes the page beside DVC's configuration
and names it in config.local; without it DVC uses its own page, which fetches Vega each time.
"""

import json
from pathlib import Path

from surnames import dvc_repo
from surnames.core import params, tables

FOLDER = Path(".dvc/plots")
PAGE = Path(".dvc/plots.html")
DEFINITION = Path(__file__).parent / "templates/plots.yaml"
SNIPPET = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"


def templates() -> dict[Path, str]:
    """The text of each JSON file, for the architectures of params.yaml."""
    definition = params.read_yaml(DEFINITION)
    del definition["shared"]
    architectures = json.dumps(list(params.load().architectures))
    return {
        FOLDER / f"{name}.json": json.dumps(value).replace('"<ARCHITECTURES>"', architectures)
        + "\n"
        for name, value in definition.items()
    }


def write_templates() -> None:
    """Write all files of templates."""
    for path, text in templates().items():
        tables.replace_text(path, text)


def page() -> str:
    """DVC's template of a page, with Vega, Vega-Lite and Vega-Embed in it instead of `{scripts}`.

    DVC itself fills in `{refresh_tag}` and `{plot_divs}`. BUNDLE stands in a function of its own,
    because it names hundreds of things that would become the page's.
    """
    import vl_convert

    template = DEFINITION.with_name("plots.html").read_text(encoding="utf-8")
    return template.replace("BUNDLE", vl_convert.javascript_bundle(SNIPPET))


def main() -> None:
    """Write the page and name it in .dvc/config.local."""
    tables.replace_text(PAGE, page())
    dvc_repo.run("config", "--local", "plots.html_template", PAGE.name)


if __name__ == "__main__":
    main()
