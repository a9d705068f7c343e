"""`python -m faults`: break a small study in every way there is, and write docs/reliability.md."""

import argparse
import queue
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.projects import ROOT, Project, clone, commit

from faults import fuzz, hostile, kills, refusals, serving, storage
from faults.study import Attempt, Outcome, Study, fresh
from surnames.display.tables import aligned, markdown
from surnames.workflow import smoke

KINDS = {
    "kills": kills,
    "storage": storage,
    "refusals": refusals,
    "hostile": hostile,
    "fuzz": fuzz,
    "serving": serving,
}
COUNTED = {
    "lost": "lost",
    "double": "double",
    "traceback": "tracebacks",
    "orphan": "orphans",
    "blocked": "blocked clones",
    "touched": "touched",
}
HEAD = ("kind", "tried", "survived", *COUNTED.values(), "other")
RIGHT = range(1, len(HEAD))
PAGE = ROOT / "docs/reliability.md"


def main() -> None:
    """Break, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="attempts of each kind (default: all there are)")
    parser.add_argument("--only", default="", help="attempts whose name holds this text")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="surnames-faults-") as scratch:
        finished = small_study(Path(scratch) / "finished")
        for kind in options.kinds:
            began, own = time.monotonic(), []
            for outcome in attempts(finished, Path(scratch) / kind, kind, options):
                own.append(outcome)
                state = ", ".join(outcome.faults) or "ok"
                print(f"{kind} {state}: {outcome.name} | {outcome.said}", flush=True)
            print(f"{kind}: {len(own)} in {time.monotonic() - began:.0f} s", flush=True)
            outcomes += own
    print("\n" + aligned(HEAD, table(outcomes), RIGHT))
    if options.count is None and not options.only and options.kinds == list(KINDS):
        PAGE.write_text(page(outcomes), encoding="utf-8")
    sys.exit(any(outcome.faults for outcome in outcomes))


def small_study(folder: Path) -> Project:
    """The finished and committed study of which copies are broken."""
    finished = clone(folder)
    smoke.shrink(folder)
    commit(finished, "A small study")
    finished.run("surnames", "repro", OMP_NUM_THREADS="1")
    commit(finished, "Its results")
    finished.run("surnames", "repro", OMP_NUM_THREADS="1")  # registers what was committed
    return finished


def attempts(
    finished: Project, folder: Path, kind: str, options: argparse.Namespace
) -> Iterator[Outcome]:
    """The outcomes of a kind in the order in which they end, from two copies at once.

    A copy in which something stays wrong is replaced by a new one.
    """
    module = KINDS[kind]
    at_once = 1 if kind in ("serving", "fuzz") else 2
    studies: queue.Queue[Study] = queue.Queue()
    folder.mkdir()
    for number in range(at_once):
        studies.put(fresh(finished, folder / str(number)))

    def once(number: int, attempt: Attempt) -> list[Outcome]:
        study = studies.get()
        try:
            outcomes = list(attempt.run(study))
        except Exception as error:  # so that the others are tried all the same
            outcomes = [Outcome(kind, attempt.name, f"not tried: {error!r}", ["harness"])]
        if any(outcome.faults for outcome in outcomes) and kind not in ("fuzz", "serving"):
            study = fresh(finished, folder / f"after-{number}")
        studies.put(study)
        return outcomes

    chosen = module.attempts(options.seed)
    chosen = [one for one in chosen if options.only in one.name]
    if options.count is not None:
        chosen = chosen[:: max(len(chosen) // options.count, 1)][: options.count]
    with ThreadPoolExecutor(at_once) as pool:
        for outcomes in pool.map(once, range(len(chosen)), chosen):
            yield from outcomes


def table(outcomes: list[Outcome]) -> list[list[str]]:
    """A row for each kind: how many were tried and survived, and what went wrong."""
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        wrong = Counter(COUNTED.get(fault, "other") for one in own for fault in set(one.faults))
        survived = sum(not one.faults for one in own)
        rows.append([kind, str(len(own)), str(survived), *(str(wrong[key]) for key in HEAD[3:])])
    return rows


def page(outcomes: list[Outcome]) -> str:
    """docs/reliability.md: the table, and what was said of what was broken."""
    summary = markdown(HEAD, table(outcomes), RIGHT)
    parts = [(Path(__file__).parent / "reliability.md").read_text(encoding="utf-8"), summary, ""]
    for kind, title, head in (
        ("serving", "Serving", ("what", "measured")),
        ("fuzz", "Random input", ("reader", "in a minute")),
        ("storage", "What is said of damaged files", ("what", "said")),
    ):
        rows = [[one.name, one.said] for one in outcomes if one.kind == kind]
        parts += [f"## {title}", "", markdown(head, rows), ""]
    if wrong := [[one.name, ", ".join(one.faults), one.said] for one in outcomes if one.faults]:
        parts += ["## What did not survive", ""]
        parts += [markdown(("what", "fault", "said"), wrong), ""]
    return "\n".join(parts).replace(str(Path(tempfile.gettempdir())), "/tmp")


if __name__ == "__main__":
    main()
