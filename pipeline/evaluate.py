"""Score all replicates of one architecture under one protocol, exactly."""

from surnames.core import corpus, errors, files, tables
from surnames.evaluation import scoring
from surnames.networks import models


def main(protocol: str, architecture: str) -> None:
    """Read one split and the weights, write predictions, scores, confusion and calibration."""
    row = models.row(architecture)
    split = corpus.load_split(files.split(protocol))
    networks = models.load(files.weights(protocol, architecture))
    outside = corpus.load(files.OUTSIDE)

    scored = [split.corpus.take(split.scored_rows(k)) for k in range(len(networks))]
    evaluations = scoring.evaluate_all(row, networks, scored, outside)
    means = scoring.means(evaluations)
    scoring.save_predictions(evaluations, files.predictions(protocol, architecture))
    scoring.save_confusion(evaluations, files.confusion(protocol, architecture))
    scoring.save_calibration(evaluations, files.calibration(protocol, architecture))
    scoring.save_scores(evaluations, files.scores(protocol, architecture))
    scoring.save_recalls(evaluations, files.recall(protocol, architecture))
    tables.write_json(means, files.metrics(protocol, architecture))


if __name__ == "__main__":
    errors.run(main)
