"""All runs of the study side by side: means with intervals, recalls, curves and confusions."""

from surnames import comparison
from surnames.core import errors, files, params


def main() -> None:
    """Read results/runs, write the study's tables."""
    config = params.load()
    comparison.prune(files.RUNS, config.runs)
    data_set = files.read_json(files.DATA_SET)
    study = comparison.gather(config.runs)
    rows = comparison.summary(study, config.study.confidence, config.protocols)
    comparison.save_summary(rows, data_set, files.SUMMARY)
    comparison.save_replicates(study, data_set, files.REPLICATES)
    comparison.save_recall(study, data_set, files.RECALL)
    comparison.save_curves(study, files.CURVES)
    comparison.save_confusions(study, files.CONFUSIONS)


if __name__ == "__main__":
    errors.run(main)
