"""All replicates of one architecture under one protocol."""

from surnames.core import corpus, errors, files, params
from surnames.networks import models, training


def main(protocol: str, architecture: str) -> None:
    """Read one split, write weights and learning curves."""
    config = params.load()
    run = config.run(protocol, architecture)
    recipe = config.recipe(run)
    row = models.trained_by(architecture, recipe)
    replicates = models.replicates(row, protocol, config.study.replicates)
    split = corpus.load_split(files.split(protocol))
    networks = training.fit(row, split, recipe, config.study.seed, replicates, str(run))
    models.save(networks, files.weights(protocol, architecture))
    training.save_history(networks, files.history(protocol, architecture))


if __name__ == "__main__":
    errors.run(main)
