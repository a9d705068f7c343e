"""`python -m faults`: break a small study in every way there is, and write docs/reliability.md."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from support.projects import ROOT, clone, commit

from faults import kills, refusals, serving, storage
from faults.study import Outcome, fresh
from surnames.display.tables import aligned, markdown
from surnames.workflow import smoke

KINDS = {"kills": kills, "storage": storage, "refusals": refusals, "serving": serving}
COLUMNS = ("lost", "double", "traceback", "orphan", "blocked", "touched", "other")
PAGE = ROOT / "docs/reliability.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="attempts of each kind (default: all there are)")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="surnames-faults-") as scratch:
        finished = clone(Path(scratch) / "finished")
        smoke.shrink(finished.folder)
        commit(finished, "A small study")
        finished.run("surnames", "repro")
        commit(finished, "Its results")
        for kind in options.kinds:
            study = fresh(finished, Path(scratch) / kind)
            for outcome in KINDS[kind].run(study, options.seed, options.count):
                outcomes.append(outcome)
                state = ", ".join(outcome.faults) or "ok"
                print(f"{kind} {state}: {outcome.name} | {outcome.said}", flush=True)
                if "lost" in outcome.faults or "blocked" in outcome.faults:  # begin with a new one
                    study = fresh(finished, Path(scratch) / f"{kind}-{len(outcomes)}")
    print("\n" + aligned(("kind", "tried", "survived", *COLUMNS), table(outcomes), range(1, 10)))
    if options.count is None and options.kinds == list(KINDS):
        PAGE.write_text(page(outcomes), encoding="utf-8")
    sys.exit(any(outcome.faults for outcome in outcomes))


def table(outcomes: list[Outcome]) -> list[list[str]]:
    """A row for each kind: how many were tried and survived, and what went wrong."""
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        wrong = Counter(
            fault if fault in COLUMNS else "other" for one in own for fault in one.faults
        )
        survived = sum(not one.faults for one in own)
        rows.append([kind, str(len(own)), str(survived), *(str(wrong[key]) for key in COLUMNS)])
    return rows


def page(outcomes: list[Outcome]) -> str:
    """docs/reliability.md: the table, and every attempt with what was said."""
    summary = markdown(("kind", "tried", "survived", *COLUMNS), table(outcomes), range(1, 10))
    parts = [(Path(__file__).parent / "reliability.md").read_text(encoding="utf-8"), summary, ""]
    serving_rows = [[one.name, one.said] for one in outcomes if one.kind == "serving"]
    parts += ["## Serving", "", markdown(("what", "measured"), serving_rows), ""]
    storage_rows = [[one.name, one.said] for one in outcomes if one.kind == "storage"]
    parts += ["## What is said of damaged files", ""]
    parts += [markdown(("what", "`surnames repro` says"), storage_rows), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
