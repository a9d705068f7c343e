"""The model that MLflow keeps: names in, languages out.

MLflow stores this file beside the weights and runs it to load the model ("models from code"), so
that nothing is pickled. The scorer, `portable_scorer.py`, is one of the model's artifacts, and no
entry of `code_paths`: of two versions loaded at once, the second would get the first one's module.
Whoever loads the model need not have this project.
"""

import json
import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from safetensors.numpy import load_file

SERVING = "__pyfunc_model_path__"  # what `mlflow models serve` sets for its server


def load_module(path: str) -> ModuleType:
    """A file's module, which no other import sees."""
    spec = spec_from_file_location(Path(path).stem, path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(cell: Any) -> str:
    """A name, or "" for a missing value; ValueError for any other value."""
    if isinstance(cell, str):
        return cell
    if np.ndim(cell) == 0 and pd.isna(cell):
        return ""
    raise ValueError(f"expected names as text, one a row; got {cell!r}")


class OriginModel(PythonModel):
    """Which language a surname comes from."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights, the card and the scorer."""
        text = Path(context.artifacts["card"]).read_text(encoding="utf-8")
        self.weights = load_file(context.artifacts["weights"])
        self.scorer = load_module(context.artifacts["portable_scorer"])
        self.card: dict[str, Any] = self.scorer.prepared(self.weights, json.loads(text))

    def scored(self, texts: list[str]) -> tuple[list[str], np.ndarray]:
        """The most probable language of each name, and (names, languages) probabilities.

        "" and not-a-number for a name of which no letter is left.
        """
        names = [self.scorer.cleaned(text, self.card) for text in texts]
        answered = [row for row, name in enumerate(names) if name]
        probabilities = np.full((len(names), len(self.card["languages"])), np.nan)
        best = [""] * len(names)
        if answered:
            known = [names[row] for row in answered]
            probabilities[answered] = self.scorer.probabilities(self.weights, known, self.card)
            for row in answered:
                best[row] = self.card["languages"][int(probabilities[row].argmax())]
        return best, probabilities

    def rows(self, texts: list[str]) -> list[dict[str, Any]]:
        """The same as a dict for each name, as `predict` gives it to MLflow's server."""
        best, probabilities = self.scored(texts)
        columns = ("language", "probability", *self.card["languages"])
        return [
            dict(zip(columns, (one, max(shares), *shares), strict=True))
            if one
            else dict.fromkeys(columns) | {"language": ""}
            for one, shares in zip(best, probabilities.tolist(), strict=True)
        ]

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row for each name: `language`, its `probability`, and that of every language.

        The signature turns a list, a series or a column into a frame of one column before it comes
        here. A name with no letter left gets an empty language and no probabilities. Raises
        ValueError for a frame whose first column is not `name`: it would be scored silently.
        """
        column = model_input.columns[0]
        if column not in (0, "name"):
            raise ValueError(
                f"expected a list of names or a frame with a column 'name'; got {column!r}"
            )
        best, probabilities = self.scored([text_of(cell) for cell in model_input[column]])
        answer = pd.DataFrame(
            probabilities, columns=self.card["languages"], index=model_input.index
        )
        answer.insert(0, "language", best)
        answer.insert(1, "probability", probabilities.max(axis=1, initial=-np.inf))
        if SERVING in os.environ:  # which would write NaN, and that is no JSON
            answer = answer.astype(object).where(answer.notna(), None)
        return answer


mlflow.models.set_model(OriginModel())
