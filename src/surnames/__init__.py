"""Did fixing the PyTorch character-RNN tutorial help? The study, for a notebook:

    import surnames

    surnames.results()                        # means and intervals of every run
    surnames.verdicts()                       # what the data say of each claim
    surnames.network("fixed").answers(["Satoshi"], by_letter=True)
    surnames.predict(["Satoshi", "Schmidhuber"])

Each function takes `root`, a folder in the project; without it the working directory is meant.
Importing this costs nothing: pandas, NumPy and what else is needed come with the first call.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from surnames.prediction.model import Model

__all__ = ["network", "predict", "results", "verdicts"]


def results(table: str = "summary", *, root: str | Path = ".") -> "pd.DataFrame":
    """A table of results/ as a frame: `summary` by default.

    `summary` (mean and interval of each metric of each run), `replicates` (a row for each network),
    `recall` (by language), `effects` (the parts of the fix), `curves` and `confusions`. Shares are
    between 0 and 1, losses in nats. Raises StudyError for another name, or where no study has run.
    """
    import pandas as pd

    from surnames import project
    from surnames.core.errors import StudyError
    from surnames.study import paths

    if table not in paths.TABLES:
        raise StudyError(f"no table {table!r}; choose from {', '.join(paths.TABLES)}")
    path = project.find(Path(root).resolve()) / paths.TABLES[table]
    if not path.is_file():
        raise StudyError(f"{path} is not there; run `make repro`, or `dvc pull`")
    return pd.read_csv(path)


def verdicts(*, root: str | Path = ".") -> "pd.DataFrame":
    """The ledger of claims as a frame, by claim: `verdict`, `effect`, `low`, `high`, `p_adjusted`.

    Effects are shares (0.1 is ten points). Raises StudyError where no study has run.
    """
    import pandas as pd

    from surnames import project
    from surnames.study import claims, paths

    judged = claims.verdicts(project.find(Path(root).resolve()) / paths.LEDGER)
    return pd.DataFrame(judged["claims"]).set_index("id")


def network(model: str = "fixed", *, root: str | Path = ".") -> "Model":
    """A trained network: by architecture, by its address in the registry, or by a path.

    `fixed`, `tutorial` or another architecture: its network with the median macro recall on unseen
    names; `champion` or `models:/<name>/<version>`: that of MLflow's registry; a path: a run's
    folder. Raises StudyError that says what there is.
    """
    from surnames import project
    from surnames.prediction.choose import load

    with project.inside(Path(root)) as before:
        return load(model, before)


def predict(
    names: Iterable[str], model: str = "fixed", *, top: int = 3, root: str | Path = "."
) -> "pd.DataFrame":
    """The most probable languages of some names, a row each.

    Columns: `name`, `read_as` (normalized as in training), `language_1`, `probability_1` and so on
    to `top`, and `note` (what was left out, or why there is no answer).
    """
    import pandas as pd

    rows = [
        {"name": one["name"], "read_as": one["read_as"]}
        | {
            f"{key}_{rank}": answer[key]
            for rank, answer in enumerate(one["answers"], 1)
            for key in ("language", "probability")
        }
        | {"note": one["note"]}
        for one in network(model, root=root).answers(names, top)
    ]
    ranks = [f"{key}_{k}" for k in range(1, top + 1) for key in ("language", "probability")]
    return pd.DataFrame(rows, columns=["name", "read_as", *ranks, "note"])
