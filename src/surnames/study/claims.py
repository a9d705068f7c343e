"""The ledger: what has been claimed of the tutorial and its fix, each claim tested on every run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from math import isnan
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from surnames.core import files, tables, yaml_files
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.core.params import Address, Name, Run, Section, Text
from surnames.evaluation.scoring import OF_NETWORKS
from surnames.networks.lookup import get_architecture
from surnames.study.paths import CLAIMS, GRID_PARAMS, LEDGER, ROBUSTNESS
from surnames.study.statistics import Effect, Term, contrast, detectable, equivalence, holm

WEIGHTS = (0.01, 100)
HIGHEST = {"log_loss": 28.0}  # of a metric, in nats: probabilities are floored; others are shares
Verdict = Literal["supported", "refuted", "negligible", "undecided"]
Family = Literal["primary", "secondary", "check"]
RECALL, MACRO_RECALL = "recall/", "macro_recall/"
GRID = "robustness"  # in place of a run, for a contrast of the grid
NAME_GROUPS = ("near", "far", "short", "long")  # of unseen names; `comparison.name_groups`
Weight = Annotated[float, Field(strict=True)]
Values = Callable[[str, str], Term]  # (run, metric) -> its values with weight 1


class Source(Section):
    """Where a claim was made."""

    name: Text
    url: Address | None = None


class Claim(Section):
    """A sentence, and the contrast of runs that it says is more than a threshold."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    claim: Text
    sources: Annotated[list[Source], Field(min_length=1, max_length=20)]
    # weight, run, metric
    terms: Annotated[
        list[Annotated[tuple[Weight, str, str], Field(strict=False)]],
        Field(min_length=1, max_length=20),
    ]
    more_than: float
    family: Family = "secondary"
    expect: Verdict


class Ledger(Section):
    """All of claims.yaml; `groups` are languages whose mean recall is asked for by a name."""

    groups: Annotated[
        dict[Name, Annotated[list[str], Field(min_length=1)]], Field(default_factory=dict)
    ]
    claims: Annotated[list[Claim], Field(max_length=1000)]
    registered: Annotated[str | None, Field(pattern=r"^[0-9a-f]{40}$")] = None  # a commit


def load(runs: dict[str, Run], metrics: Sequence[str], path: Path = CLAIMS) -> Ledger:
    """The ledger; raises ParameterError with the line of each claim that cannot be tested."""
    return yaml_files.load(path, Ledger, lambda read: _untestable(read, runs, metrics))


def _untestable(
    ledger: Ledger, runs: dict[str, Run], metrics: Sequence[str]
) -> Iterator[yaml_files.Fault]:
    for group, languages in ledger.groups.items():
        if strange := set(languages) - {*LANGUAGES}:
            listed = ", ".join(sorted(strange))
            yield ("groups", group), f"{listed:.200}: no language of the data set"
        if len(set(languages)) < len(languages):
            yield ("groups", group), "a language is there twice"
    seen: set[str] = set()
    contrasts = declared_contrasts()
    for index, claim in enumerate(ledger.claims):
        if claim.id in seen:
            yield ("claims", index, "id"), "the id of an earlier claim; each needs its own"
        seen.add(claim.id)
        terms = [(run, metric) for _, run, metric in claim.terms]
        for number, (weight, run, metric) in enumerate(claim.terms):
            place = ("claims", index, "terms", number)
            if not WEIGHTS[0] <= abs(weight) <= WEIGHTS[1]:
                yield place, f"a weight is {WEIGHTS[0]} to {WEIGHTS[1]} or minus that; got {weight}"
            if (run, metric) in terms[:number]:
                yield place, f"{run:.100} with {metric:.100} is there already; add the weights up"
            if run not in runs and run != GRID:
                missing = f"{run:.100}, which is not under `runs` in {files.PARAMS}"
                yield place, f"claim {claim.id} compares {missing}; add it, or remove the claim"
            elif fault := _unscored(runs.get(run), metric, metrics, ledger.groups, contrasts):
                yield place, f"claim {claim.id} {fault}"
        largest = [weight * HIGHEST.get(metric, 1.0) for weight, _, metric in claim.terms]
        low, high = sum(min(one, 0.0) for one in largest), sum(max(one, 0.0) for one in largest)
        if not low <= claim.more_than < high:
            fault = (
                f"the effect of claim {claim.id} lies between {low:g} and {high:g} (0.1 is ten "
                f"points), so more than {claim.more_than:g} is always or never true"
            )
            yield ("claims", index, "more_than"), fault


def _unscored(
    run: Run | None,
    metric: str,
    metrics: Sequence[str],
    groups: Iterable[str],
    contrasts: Sequence[str],
) -> str:
    """Why a run, or the grid where None, has no such metric; "" where it has."""
    if run is None:
        listed = f"a contrast of {GRID_PARAMS}, not {metric!r:.100}; it has {', '.join(contrasts)}"
        return "" if metric in contrasts else f"asks for {listed}"
    of_names = [f"{MACRO_RECALL}{group}" for group in NAME_GROUPS]
    if metric in of_names and run.protocol != "held_out":
        return f"asks for {metric}, which is of unseen names: {run.name:.100} is not under held_out"
    network = get_architecture(run.architecture, run.family).stochastic
    if metric in OF_NETWORKS and not (network and run.protocol != "published"):
        return f"asks for {metric}, which only networks on unseen names have, not {run.name:.100}"
    if metric in (*metrics, *of_names, *(f"{RECALL}{one}" for one in (*LANGUAGES, *groups))):
        return ""
    choices = ", ".join([*metrics, f"{RECALL}<Language or group>", *of_names])
    return f"asks for {metric!r:.100}; choose from {choices}"


def declared_contrasts() -> list[str]:
    """The contrasts of the grid that may be asked for, whether or not they are known yet."""
    if not GRID_PARAMS.is_file():
        return []
    text = GRID_PARAMS.read_text(encoding="utf-8")
    return [*yaml_files.values(GRID_PARAMS, text, yaml_files.BYTES).get("contrasts", {})]


def grid_contrasts() -> dict[str, Effect]:
    """What the grid's networks gave, by name; nothing where none of this study has been trained."""
    if not ROBUSTNESS.is_file():
        return {}
    read = tables.read_json(ROBUSTNESS)["contrasts"]
    with tables.reading(ROBUSTNESS):
        return {name: Effect(**values) for name, values in read.items()}


def judge(
    claims: Sequence[Claim], values: Values, confidence: float, margin: float
) -> list[dict[str, Any]]:
    """Each claim with its effect, interval, p-values and verdict, family by family.

    `supported` is an effect significantly above the threshold, `refuted` one significantly below,
    `negligible` one that is neither and significantly within `margin` of it: p-values are Holm's
    over the claims of a family. Beside each undecided one stands what this design finds with a
    power of 80 % at the level that Holm left it. The intervals are each for itself, so one may
    leave out its threshold and stay undecided. `nadeau_bengio` says what their variance would.
    """
    rows: dict[str, dict[str, Any]] = {}
    for family in get_args(Family):
        own = [claim for claim in claims if claim.family == family]
        judged = _family(own, values, confidence, margin)
        others = _family(own, lambda *of: replace(values(*of), names=None), confidence, margin)
        for claim, row, other in zip(own, judged, others, strict=True):
            told = {key: other[key] for key in ("low", "high", "p_adjusted", "verdict")}
            rows[claim.id] = row | {"expect": claim.expect, "nadeau_bengio": told}
    return [rows[claim.id] for claim in claims]


def _family(
    own: Sequence[Claim], values: Values, confidence: float, margin: float
) -> Iterator[dict[str, Any]]:
    """The claims of one family, judged."""
    effects = [
        contrast(
            [values(run, metric).with_weight(weight) for weight, run, metric in claim.terms],
            confidence,
            claim.more_than,
        )
        for claim in own
    ]
    within = [
        equivalence(found, claim.more_than, margin)
        for claim, found in zip(own, effects, strict=True)
    ]
    different, same = holm([found.p for found in effects]), holm(within)
    left = sum(p is not None and p >= 1 - confidence for p in different)
    level = (1 - confidence) / max(left, 1)  # to which Holm holds what is not decided
    for claim, found, p, q in zip(own, effects, different, same, strict=True):
        verdict = _verdict(found.effect > claim.more_than, p, q, 1 - confidence)
        yield (
            claim.model_dump(exclude={"expect"})
            | asdict(found)
            | {
                "effect": None if isnan(found.effect) else found.effect,
                "p_adjusted": p,
                "p_equivalent": q,
                "detectable": detectable(found, level) if verdict == "undecided" else None,
                "verdict": verdict,
            }
        )


def _verdict(above: bool, different: float | None, same: float | None, level: float) -> Verdict:
    if different is not None and different < level:
        return "supported" if above else "refuted"
    return "negligible" if same is not None and same < level else "undecided"


def verdicts(path: Path = LEDGER) -> dict[str, Any]:
    """The judged ledger: its confidence, its data set and the rows of `judge`."""
    if not path.is_file():
        raise StudyError(f"{path} is not there yet; run `make repro`")
    found: dict[str, Any] = tables.read_json(path)
    if "grid" not in found:
        raise StudyError(f"{path} was written by older code; run `make repro`")
    return found


def unexpected(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each verdict that is not the expected one."""
    return [
        f"{row['id']}: {row['verdict']}, and {row['expect']} was expected"
        for row in rows
        if row["verdict"] != row["expect"]
    ]
