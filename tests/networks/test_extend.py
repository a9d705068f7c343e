"""docs/extend.md, followed to the letter in a scratch clone."""

import re

import yaml
from support.projects import ROOT, Project, mlflow_runs


def test_an_architecture_is_added_as_the_page_says(study: Project) -> None:
    """A class, a row, an entry: it stands in the table, the report, the README and MLflow."""
    page = (ROOT / "docs/extend.md").read_text()
    module, build, row = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [entries] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    (study.folder / "src/surnames/networks/gru.py").write_text(module)
    table = study.folder / "src/surnames/networks/models.py"
    text = table.read_text()
    head, found, rows = text.partition("ARCHITECTURES: dict[str, Architecture] = {\n")
    assert found
    table.write_text(f"{head}{build}\n\n{found}{row}{rows}")
    values = study.params()
    for section, added in yaml.safe_load(entries).items():
        values[section] |= added
    values["recipes"]["autograd"] |= {"steps": 100, "hidden_size": 8}
    study.set(**values)

    study.run("surnames", "repro")
    for protocol in ("published", "held_out"):
        assert (
            f"\n{protocol},gru,macro_recall,2,0,0."
            in (study.folder / "results/summary.csv").read_text()
        )
        assert mlflow_runs(study, f"%{protocol}-gru%") == 3
    for place in ("README.md", "reports/index.html"):
        assert "gru" in (study.folder / place).read_text(), place
