"""Score all replicates of one architecture under one protocol, exactly."""

from functools import partial

from surnames.core import corpus, files, stage, tables
from surnames.evaluation import scoring
from surnames.networks.lookup import get_architecture
from surnames.networks.network import load_networks


def main(protocol: str, architecture: str, family: str) -> None:
    """Read one split and the weights, write predictions, scores, confusion and calibration."""
    scored_by = get_architecture(architecture, family)
    split = corpus.load_split(files.split(protocol))
    networks = load_networks(files.weights(protocol, architecture), scored_by)
    outside = corpus.load(files.OUTSIDE)

    evaluations = scoring.evaluate_all(scored_by, networks, split, outside)
    means = scoring.means(evaluations)
    fill = partial(scoring.save, evaluations)
    tables.replace_folder(files.evaluation(protocol, architecture), fill)
    tables.write_json(means, files.metrics(protocol, architecture))


if __name__ == "__main__":
    stage.run(main)
