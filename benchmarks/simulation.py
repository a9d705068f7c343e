"""`make simulate`: what the design finds where the truth is known, into docs/simulation.md."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from markupsafe import Markup
from worlds import World, fitted, pair, studies, swapped

from surnames.core import corpus, files, params, tables
from surnames.core.corpus import Split
from surnames.display.tables import markdown
from surnames.study.comparison import gather, term
from surnames.study.statistics import Term, contrast, equivalence

PAGE = Path("docs/simulation.md")
SEED = 20261125
STUDIES, ALIKE = 800, 200  # in a row; of two networks that are alike
DESIGNS = ((3, 4), (5, 2), (5, 4), (10, 2), (20, 1))  # folds, repetitions
REGISTERED = (5, 4)
EFFECTS = (0.0, 0.02, 0.03)  # none; the margin of what is negligible; what should be found
LEAST, MOST, ALARMS = 0.935, 0.99, 0.05  # registered bounds of the coverage, and of false alarms
HALF, COVERS, ALARM, SURE, NEGLIGIBLE = range(5)  # what `judged` tells
Found = dict[tuple[str, str, tuple[int, int]], np.ndarray]  # names, chance, design -> `shares`


def judged(found: Term, truth: float, study: params.Study) -> list[float]:
    """Half-width of the interval; does it cover, is p < 0.05, p < 0.01, is it negligible."""
    effect, level = contrast([found], study.confidence), 1 - study.confidence
    within = equivalence(effect, 0.0, study.margin)
    assert effect.low is not None and effect.high is not None
    assert effect.p is not None and within is not None
    covers, different = effect.low <= truth <= effect.high, effect.p < level
    negligible = within < level and not different
    return [(effect.high - effect.low) / 2, covers, different, effect.p < 0.01, negligible]


def shares(drawn: Iterator[list[Term]], count: int, study: params.Study) -> np.ndarray:
    """Means of `judged` over some studies, (two-way or Nadeau-Bengio, effects, 5)."""
    every = [
        [
            [judged(one, effect, study) for one, effect in zip(own, EFFECTS, strict=False)]
            for own in (terms, [replace(one, names=None) for one in terms])
        ]
        for terms in islice(drawn, count)
    ]
    return np.array(every).mean(axis=0)


def simulated(world: World, study: params.Study) -> Found:
    """Every row of the table of designs."""
    fixed = pair(np.random.default_rng(SEED), world.shared, len(world.languages))
    # trained again, a network answers the same; with no variance at all there would be no probit
    settled = replace(world, own=1 - 1e-6, shift=0.0)
    found: Found = {}
    for asked, names in (("drawn anew", None), ("fixed", fixed)):
        for chance, own in (("as measured", world), ("none", settled)):
            for design in DESIGNS:
                print(f"simulate: names {asked}, chance {chance}, {design} ...", file=sys.stderr)
                rng = np.random.default_rng((SEED, len(found)))
                drawn = studies(own, design, EFFECTS, rng, names)
                found[asked, chance, design] = shares(drawn, STUDIES, study)
    return found


def label(design: tuple[int, int]) -> str:
    """Such as 5 x 4."""
    return f"{design[0]} x {design[1]}"


def table(found: Found) -> str:
    """The designs in Markdown."""
    header = ["names", "chance in training", "folds x repetitions", "half-width", "NB half-width"]
    header += ["coverage at 0", "coverage at +3", "NB coverage at 0", "false alarms"]
    header += ["power at 0.05", "NB power at 0.05", "power at 0.01", "NB power at 0.01"]
    header += ["negligible at 0", "negligible at +2"]
    rows = []
    for (asked, chance, design), ((none, margin, three), (nb_none, _, nb_three)) in found.items():
        cells = [none[COVERS], three[COVERS], nb_none[COVERS], none[ALARM]]
        cells += [three[ALARM], nb_three[ALARM], three[SURE], nb_three[SURE]]
        cells += [none[NEGLIGIBLE], margin[NEGLIGIBLE]]
        row = [asked, chance, label(design)]
        row += [f"{100 * own[HALF]:.2f}" for own in (none, nb_none)]
        row += [f"{100 * cell:.1f}" for cell in cells]
        rows.append([Markup(f"**{cell}**") for cell in row] if design == REGISTERED else row)
    return markdown(header, rows, range(3, len(header)))


def outside(found: Found) -> str:
    """The rows whose coverage is outside the bounds, a sentence for each of these."""
    below: dict[str, list[str]] = {}
    above: dict[str, list[str]] = {}
    for (asked, chance, design), (two_way, _) in found.items():
        place, covers = f"names {asked}, chance {chance}", two_way[[0, -1], COVERS]
        if covers.min() < LEAST:
            below.setdefault(place, []).append(label(design))
        if covers.max() > MOST:
            above.setdefault(place, []).append(label(design))
    texts = []
    for side, bound, places in (("Below", LEAST, below), ("Above", MOST, above)):
        rows = [f"{place} ({', '.join(own)})" for place, own in places.items()]
        texts.append(f"- {side} {100 * bound:g} %, at 0 or at +3: {'; '.join(rows) or 'no row'}.")
    return "\n".join(texts)


def alike(world: World, given: params.Params, split: Split) -> str:
    """The studies of two networks of one kind, as text with a table."""
    same = replace(world, ease=world.ease[[0, 0]], shared=1.0)
    rngs = np.random.default_rng((SEED, ALIKE)).spawn(2)
    kinds = {"simulated": studies(same, REGISTERED, (0.0,), rngs[0])}
    text = (
        f"{ALIKE} studies by the registered design in which both networks are `fixed`, so that "
        "every effect that\nis found is a false alarm."
    )
    fixed = given.runs["held_out-fixed"]
    again = fixed.model_copy(update={"architecture": "fixed_again"})
    if files.predictions(again.protocol, again.architecture).is_file():
        runs = gather([fixed, again], split)
        one, other = (term(run, "macro_recall", given.protocols) for run in runs)
        kinds["real, swapped"] = swapped(one, other, split, rngs[1])
        real = contrast([one, other.with_weight(-1.0)], given.study.confidence)
        assert real.low is not None and real.high is not None
        text += (
            " *Swapped* are the networks of `fixed` and `fixed_again`, trained from other\nweights "
            "and in other orders: in each study it is drawn, fold by fold, which comes first. As\n"
            f"they are, they differ by {100 * real.effect:+.2f} points ({100 * real.low:+.2f} to "
            f"{100 * real.high:+.2f})."
        )
    rows = []
    for kind, drawn in kinds.items():
        (two_way,), (nadeau_bengio,) = shares(drawn, ALIKE, given.study)
        row = [kind, f"{100 * two_way[HALF]:.2f}", f"{100 * two_way[ALARM]:.1f}"]
        row += [f"{100 * nadeau_bengio[ALARM]:.1f}", "yes" if two_way[ALARM] <= ALARMS else "NO"]
        rows.append(row)
    kept = f"at most {100 * ALARMS:g} %, as registered"
    header = ("networks", "half-width", "false alarms", "NB false alarms", kept)
    return f"{text}\n\n{markdown(header, rows, range(1, 4))}"


def page(given: params.Params, split: Split) -> str:
    """All of docs/simulation.md."""
    runs = gather([given.runs["held_out-fixed"], given.runs["held_out-tutorial_2017"]], split)
    one, other = (term(run, "macro_recall", given.protocols) for run in runs)
    world, aim = fitted((one, other), given.protocols.held_out.folds)
    pairing = [one, other.with_weight(-1.0)]
    real = contrast(pairing, given.study.confidence)
    wide = contrast([replace(run, names=None) for run in pairing], given.study.confidence)
    found = simulated(world, given.study)
    (none, _, three), _ = found["drawn anew", "as measured", REGISTERED]
    assert real.low is not None and real.high is not None
    return f"""<!-- written by `make simulate`; do not edit -->
# Simulated studies

How often does the study find what is there, and how often what is not? In a simulated study the
true effect is known, so both can be counted. By the registered design, with names drawn anew and
chance in training as measured, {100 * none[COVERS]:.1f} % of the {100 * given.study.confidence:g} %
intervals hold a true effect of zero, {100 * none[ALARM]:.1f} % of the studies find an effect where
there is none, and {100 * three[ALARM]:.1f} % find one of three points.

## What is simulated

Two networks are asked {world.sizes.sum():,} names, as many of each language as in the data. How
often they are right in a language is as measured, for `fixed` and `tutorial_2017` under `held_out`;
then the first is made better or worse, alike in all languages, until the true effect is as wanted.
Of what varies in an answer, {100 * world.own:.0f} % belongs to the name and stays when a network is
trained again; it correlates by {world.shared:.2f} between the two networks. The rest is luck in
training, which moves a whole language ({100 * world.shift:.1f} %) or each name by itself
({100 * (1 - world.own - world.shift):.1f} %), and correlates by {world.paired:.2f}.

These figures are fitted to the answers of the networks and to their differences of macro recall,
fold by fold, whose standard deviation is {100 * aim:.2f} points. The study's own interval reaches
{50 * (real.high - real.low):.2f} points to either side, a simulated one of the same design
{100 * none[HALF]:.2f} on average.

## The designs

- *Names*: drawn anew in each study, and the truth is about all such names; or fixed, and the truth
  is about these.
- *Chance in training*: as measured; or none, and a network that is trained again answers the same.
- *Folds x repetitions*: the registered design is bold.
- *Half-width* of the interval, in points of macro recall. All else is in % of {STUDIES:,} studies.
- *Coverage*: intervals that hold the true effect, of 0 or +3 points.
- *False alarms*: p < {1 - given.study.confidence:.2g} where the true effect is 0.
- *Power*: p < 0.05, or < 0.01, where the true effect is +3 points.
- *Negligible*: studies with this verdict, by a margin of {100 * given.study.margin:g} points. It is
  right where the true effect is 0, and wrong where it is +2.
- *NB*: the same by Nadeau and Bengio's variance.

No p-value is corrected for other claims.

{table(found)}

Of {STUDIES:,} studies, a share near 95 % is known to within
{196 * (0.95 * 0.05 / STUDIES) ** 0.5:.1f} points. [Registered](registration.md) was a coverage of
{100 * LEAST:g} to {100 * MOST:g} %. Outside of that are:

{outside(found)}

Coverage below the bounds means intervals that are too narrow, and coverage above them intervals
that are wider than they need be. For either it was registered that verdicts are given by Nadeau and
Bengio's variance as well. The study's own effect on unseen names is {100 * real.effect:+.1f}
points, with p = {real.p:.2g} by the two-way variance and p = {wide.p:.2g} by theirs.

## Networks that are alike

{alike(world, given, split)}

## What is not simulated

Which names the lists hold for training: the networks of all folds share most of them, and so may
share some of their luck, which is drawn for each network alone here. How much that might matter is
in the table of the [registration](registration.md).
"""


def main() -> None:
    """Simulate and write the page."""
    given = params.load()
    if not files.predictions("held_out", "fixed").is_file():
        sys.exit("error: no predictions in results/runs; run `make repro` first")
    tables.replace_text(PAGE, page(given, corpus.load_split(files.split("held_out"))))


if __name__ == "__main__":
    main()
