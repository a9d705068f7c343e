"""All runs of the study side by side: tables of means, effects and curves, and the verdicts."""

from surnames.core import errors, files, params, tables
from surnames.evaluation import scoring
from surnames.study import claims, comparison
from surnames.study.paths import CONFUSIONS, CURVES, EFFECTS, LEDGER, RECALL, REPLICATES, SUMMARY
from surnames.study.statistics import Term


def main() -> None:
    """Read results/runs and the ledger, write the study's tables and the verdicts."""
    config = params.load()
    ledger = claims.load(config.runs, scoring.METRICS)  # refused before anything is written
    comparison.prune(files.RUNS, config.runs)
    data_set = tables.read_json(files.DATA_SET)
    study = comparison.gather(config.runs)
    by_run = {str(results.run): results for results in study}

    def values(run: str, metric: str) -> Term:
        return comparison.term(by_run[run], metric, config.protocols)

    confidence = config.study.confidence
    rows = comparison.summary(study, confidence, config.protocols)
    comparison.save_summary(rows, data_set, SUMMARY)
    comparison.save_replicates(study, data_set, REPLICATES)
    comparison.save_recall(study, data_set, RECALL)
    comparison.save_effects(comparison.effects(study, confidence, config.protocols), EFFECTS)
    verdicts = {
        "confidence": confidence,
        "data_set": comparison.label(data_set),
        "claims": claims.judge(ledger, values, confidence),
    }
    tables.write_json(verdicts, LEDGER)
    comparison.save_curves(study, CURVES)
    comparison.save_confusions(study, CONFUSIONS)


if __name__ == "__main__":
    errors.run(main)
