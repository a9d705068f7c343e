"""The page in which `dvc plots` draws, with Vega inside it: DVC's own fetches Vega each time.

`python -m surnames.workflow.plots_page` writes it beside DVC's configuration and names it in
config.local. Without either, DVC falls back to its own page.
"""

import subprocess
import sys
from pathlib import Path

from surnames.core import tables

PLOTS_PAGE = Path(".dvc/plots.html")
SNIPPET = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"
# In a function of its own: the bundle names hundreds of things that would become the page's.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh_tag}
<title>DVC plots</title>
<link rel="icon" href="data:,">
<script>(() => {
BUNDLE
})();</script>
<style>
body { margin: 1rem 1.5rem; font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; }
body > div, body > p { margin: 0 0 2.5rem; overflow-x: auto; }
img { max-width: 100%; }
.vega-bind { display: inline-block; margin-right: 1.5rem; }
</style>
</head>
<body>
<h1>DVC plots</h1>
{plot_divs}
</body>
</html>
"""


def page() -> str:
    """DVC's template of a page, with Vega, Vega-Lite and Vega-Embed in it instead of `{scripts}`.

    `{refresh_tag}` and `{plot_divs}` are filled in by DVC.
    """
    import vl_convert

    return PAGE.replace("BUNDLE", vl_convert.javascript_bundle(SNIPPET))


def main() -> None:
    """Write the page and name it in .dvc/config.local."""
    tables.replace_text(PLOTS_PAGE, page())
    option = ["--local", "plots.html_template", PLOTS_PAGE.name]
    subprocess.run([sys.executable, "-m", "dvc", "config", *option], check=True)


if __name__ == "__main__":
    main()
