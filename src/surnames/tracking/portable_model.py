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


class OriginModel(PythonModel):
    """Which language a surname comes from."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights, the card and the scorer."""
        text = Path(context.artifacts["card"]).read_text(encoding="utf-8")
        self.card: dict[str, Any] = json.loads(text)
        self.weights = load_file(context.artifacts["weights"])
        self.scorer = load_module(context.artifacts["portable_scorer"])

    def cleaned(self, text: Any) -> str:
        """A name as in training; empty for a missing value. ValueError for any other value."""
        if isinstance(text, str):
            return str(self.scorer.cleaned(text, self.card))
        if np.ndim(text) == 0 and pd.isna(text):
            return ""
        raise ValueError(f"expected names as text, one a row; got {text!r}")

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
        languages = self.card["languages"]
        names = [self.cleaned(text) for text in model_input[column]]
        answered = [row for row, name in enumerate(names) if name]
        probabilities = np.full((len(names), len(languages)), np.nan)
        best = np.full(len(names), "", dtype=object)
        if answered:
            known = [names[row] for row in answered]
            scored = self.scorer.probabilities(self.weights, known, self.card)
            probabilities[answered] = scored
            best[answered] = [languages[k] for k in scored.argmax(axis=1)]
        answer = pd.DataFrame(probabilities, columns=languages, index=model_input.index)
        answer.insert(0, "language", best)
        answer.insert(1, "probability", probabilities.max(axis=1, initial=-np.inf))
        if SERVING in os.environ:  # which would write NaN, and that is no JSON
            answer = answer.astype(object).where(answer.notna(), None)
        return answer


mlflow.models.set_model(OriginModel())
