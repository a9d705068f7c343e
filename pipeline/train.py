"""Train all replicates of one architecture under one protocol."""

from surnames.core import corpus, files, params, stage
from surnames.networks import training
from surnames.networks.lookup import architecture_for_recipe
from surnames.networks.network import replicates, save_networks


def main(protocol: str, architecture: str) -> None:
    """Read one split, write weights and learning curves."""
    config = params.load()
    run = config.run(protocol, architecture)
    recipe = config.recipe(run)
    trained = architecture_for_recipe(run, recipe)
    count = replicates(trained, protocol, config.protocols.replicates(protocol))
    split = corpus.load_split(files.split(protocol))
    networks = training.fit(trained, split, recipe, config.study.seed, count, run)
    save_networks(networks, files.weights(protocol, architecture))
    training.save_history(networks, files.history(protocol, architecture))


if __name__ == "__main__":
    stage.run(main)
