"""The ledger of claims, and the tables that compare the runs of a study."""

from pathlib import Path

CLAIMS = Path("claims.yaml")
SUMMARY = Path("results/summary.csv")
REPLICATES = Path("results/replicates.csv")
RECALL = Path("results/recall.csv")
LEDGER = Path("results/claims.json")  # the claims with their verdicts
EFFECTS = Path("results/effects.csv")  # the parts of the fix
GROUPS = Path("results/groups.csv")  # unseen names by nearness, length and language
GRID_PARAMS = Path("robustness/params.yaml")
ROBUSTNESS = Path("robustness/results/contrasts.json")  # what claims may rest on, of the grid
CELLS = Path("robustness/results/cells.csv")  # the grid
CURVES = Path("results/curves.csv")
CONFUSIONS = Path("results/confusions.csv")
TABLES = {
    path.stem: path for path in (SUMMARY, REPLICATES, RECALL, EFFECTS, GROUPS, CURVES, CONFUSIONS)
}
