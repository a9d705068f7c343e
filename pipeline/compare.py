"""All runs of the study side by side: tables of means, effects and curves, and the verdicts."""

from surnames.core import corpus, files, params, stage, tables
from surnames.core.errors import StudyError
from surnames.data import nearest
from surnames.evaluation import scoring
from surnames.study import claims, comparison, paths
from surnames.study.statistics import Term


def main() -> None:
    """Read results/runs and the ledger, write the study's tables and the verdicts."""
    config = params.load()
    ledger = claims.load(config.runs, scoring.METRICS)  # refused before anything is written
    protocols, confidence = config.protocols, config.study.confidence
    left = comparison.leftovers(config.runs.values())
    if left:
        raise StudyError(
            f"{', '.join(map(str, left))} belongs to no run of params.yaml, so dvc.lock would be "
            "another one elsewhere; remove it, or run `surnames repro`, which does"
        )
    data_set = tables.read_json(files.DATA_SET)
    split = corpus.load_split(files.split("held_out"))
    study = comparison.gather(config.runs.values(), split, nearest.load(files.NEAREST))
    by_name = dict(zip(config.runs, study, strict=True))

    grid = comparison.grid_terms(comparison.label(data_set))

    def values(run: str, metric: str) -> Term:
        if run == claims.GRID:
            if metric not in grid:
                raise StudyError(f"{paths.ROBUSTNESS} lacks {metric}; `make robustness` makes it")
            return grid[metric]
        return comparison.term(by_name[run], metric, protocols, ledger.groups)

    summary = comparison.summary(study, data_set, confidence, protocols)
    effects = comparison.effects(study, confidence, protocols)
    verdicts = {
        "confidence": confidence,
        "margin": config.study.margin,
        "data_set": comparison.label(data_set),
        "grid": comparison.standing(comparison.label(data_set)),
        "registered": ledger.registered,
        "claims": claims.judge(ledger.claims, values, confidence, config.study.margin),
    }
    tables.write_rows(summary, paths.SUMMARY)
    tables.write_rows(comparison.replicates(study, data_set), paths.REPLICATES)
    tables.write_rows(comparison.recalls(study, data_set), paths.RECALL)
    tables.write_rows(effects, paths.EFFECTS, comparison.EFFECTS)
    groups = comparison.by_group(study, confidence, protocols, ledger.groups)
    tables.write_rows(groups, paths.GROUPS, comparison.GROUPED)
    tables.write_json(verdicts, paths.LEDGER)
    tables.write_rows(comparison.curves(study), paths.CURVES, comparison.CURVES)
    tables.write_rows(comparison.confusions(study), paths.CONFUSIONS)


if __name__ == "__main__":
    stage.run(main)
