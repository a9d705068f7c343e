"""The report: what a study found, as one page that needs nothing else, and its data card.

The page is a list of sections, each a function of the study; a new one is a function and a row of
SECTIONS. A section that the study holds nothing for says so in a sentence.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from surnames.architectures.elman import ACTIVATIONS, Elman
from surnames.display import confusion_matrix as heatmap
from surnames.display import headline, plots
from surnames.display import html as layout
from surnames.display.headline import Cell, Summary
from surnames.display.html import Figure, Section, Table
from surnames.display.wording import percent, points
from surnames.documents import findings
from surnames.networks.lookup import architectures
from surnames.report import data_card as card
from surnames.report import ledger, provenance
from surnames.report.data_card import Card, Checks
from surnames.report.provenance import Settings

Rows = list[dict[str, str]]
Claim = dict[str, Any]  # of LEDGER
QUESTION = (
    "Did fixing the PyTorch character-RNN tutorial help, which part of the fix did it, "
    "and does it hold on names that the network has not seen?"
)
COMPARED = ("tutorial_2017", "fixed")
FEATURED = (*COMPARED, "ngram_logistic")  # where eight lines would be too many
PARTS = {  # as short as a phone's picture wants them; findings.PARTS has the words
    "activation_alone": "activation alone",
    "readout_alone": "readout alone",
    "interaction": "interaction",
    "activation": "activation, main effect",
    "readout": "readout, main effect",
    "whole": "the whole fix",
}
ENDS = ("low", "high")
CURVE = ("accuracy", "accuracy_low", "accuracy_high")
MACRO_RECALL = "macro recall in percent"
SMALLEST_BIN = 100  # predictions; the share of fewer says little


@dataclass(frozen=True)
class Study:
    """All that the report is made of; the tables as `tables.read_table` gives them."""

    settings: Settings
    data_set: dict[str, str]
    summary: Summary
    ledger: dict[str, Any]
    effects: Rows
    recall: Rows
    curves: Rows
    confusions: Rows
    calibration: dict[tuple[str, str], Rows]
    card: Card
    changes: Rows
    checks: Checks
    outside: int  # names of the starter corpus that the data do not hold
    digests: dict[str, str]  # MD5 of the files that the page is made from, as in dvc.lock
    try_a_name: Markup  # of `try_a_name.section`

    @property
    def confidence(self) -> str:
        """Of the intervals, in percent."""
        return f"{100 * self.settings.study.confidence:g} %"

    @property
    def protocols(self) -> dict[str, list[str]]:
        """The architectures of each protocol, in the study's order."""
        return {
            protocol: [name for other, name in self.summary.runs if other == protocol]
            for protocol in self.summary.protocols
        }

    @property
    def languages(self) -> list[str]:
        """In the order of all tables."""
        return list(self.card["languages"])

    def claim(self, key: str) -> Claim | None:
        """A claim of the ledger with its verdict; None where the ledger lacks it."""
        return next((row for row in self.ledger["claims"] if row["id"] == key), None)

    def shares(self, protocol: str, name: str) -> list[list[float]]:
        """The confusion of one run, (languages, languages); [] where the study lacks it."""
        found: dict[str, list[float]] = {}
        for row in self.confusions:
            if (row["protocol"], row["architecture"]) == (protocol, name):
                found.setdefault(row["language"], []).append(float(row["share"]))
        return list(found.values())

    def recalls(self, protocol: str, name: str) -> dict[str, float]:
        """The recall of each language in percent; not a number where the study lacks the run."""
        found = {
            row["language"]: float(row["recall"])
            for row in self.recall
            if (row["protocol"], row["architecture"]) == (protocol, name) and row["recall"]
        }
        return {language: 100 * found.get(language, math.nan) for language in self.languages}


def page(study: Study) -> str:
    """The report as HTML, with nothing to fetch; its only script is that of `try_a_name`."""
    sections = [make(study) for make in SECTIONS]
    return (
        layout.environment(True)
        .get_template("index.html")
        .render(
            question=QUESTION,
            sections=sections,
            starter=study.summary.starter,
            data_set=study.data_set,
        )
    )


def data_card(study: Study) -> str:
    """The data card as markdown."""
    return card.markdown(
        study.card, study.changes, study.checks, study.data_set, study.summary.starter
    )


def headline_figure(study: Study) -> str:
    """The README's picture: macro recall by architecture and protocol."""
    rows = [f"{name}\n{headline.words(name)}".strip() for name in study.summary.architectures]
    label = f"macro recall in percent, mean and {study.confidence} interval\n{_data_set(study)}"
    return plots.dots(rows, _by_protocol(study), label, plots.WIDE)


def _data_set(study: Study) -> str:
    """For the pictures that stand alone."""
    loud = " (STARTER CORPUS: no answer)" if study.summary.starter else ""
    return f"data set {study.summary.data_set}{loud}"


def _spaced(low: float, text: str) -> Markup:
    # a dash is shorter, and a phone narrow; behind a minus it would be read as another one
    return Markup(' <span class="interval">{}</span>').format(
        text if low < 0 else text.replace(" to ", "–")
    )


def _estimate(cell: Cell | None) -> str | Markup:
    if cell is None:
        return "–"
    told = Markup(percent(cell.mean))
    if cell.interval:
        told += _spaced(cell.low, cell.interval)
    if cell.diverged:
        told += Markup(' <span class="words">{} of {} diverged</span>').format(
            cell.diverged, cell.diverged + cell.replicates
        )
    return told


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _percents(cells: Sequence[Cell | None], part: str) -> list[float]:
    return [100 * getattr(cell, part) if cell else math.nan for cell in cells]


def _by_protocol(study: Study) -> list[plots.Series]:
    found = []
    for protocol in study.protocols:
        cells = [study.summary.cell(protocol, name) for name in study.summary.architectures]
        low, high = _percents(cells, "low"), _percents(cells, "high")
        found.append(
            plots.Series(headline.PROTOCOLS[protocol], _percents(cells, "mean"), [], low, high)
        )
    return found


def _featured(study: Study, protocol: str) -> list[str]:
    """The architectures that a crowded figure shows: the three of interest, or the first three."""
    names = study.protocols[protocol]
    return [name for name in FEATURED if name in names] or names[:3]


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour by activation, dashes by readout; other architectures get what is left."""
    colours = (plots.BLACK, plots.BLUE, plots.VERMILLION)
    by_activation = dict(zip(ACTIVATIONS, colours, strict=True))
    looks: dict[str, dict[str, Any]] = {
        name: {"colour": by_activation[one.activation], "dashed": one.readout == "combined"}
        for name, one in architectures().items()
        if isinstance(one, Elman)
    }
    for place, name in enumerate(name for name in names if name not in looks):
        looks[name] = {"colour": (plots.GREEN, plots.PURPLE)[place % 2]}
    return looks


LOOKS = (
    "Black has no activation, blue tanh, vermillion ReLU; solid lines are read out from the state, "
    "dashed ones beside it."
)


def answer(study: Study) -> Section:
    """The three parts of the question, each answered by the verdicts of the ledger."""
    told = [_helped(study), _which_part(study), _holds(study), headline.diverged(study.summary)]
    note = (
        f"Macro recall is the mean of the recalls of the {len(study.languages)} languages; a "
        f"guess, or always the same answer, has {percent(1 / len(study.languages))} %. In brackets "
        f"stands the {study.confidence} interval of each effect by itself. A verdict holds over "
        "all claims of the ledger together, so an interval may leave out zero and its claim stay "
        "undecided."
    )
    return Section("answer", "The answer", [*filter(None, told), note])


def _judged(claim: Claim) -> Markup:
    return Markup("{} {}").format(ledger.spelled(claim), ledger.badge(claim["verdict"]))


def _answered(question: str, claim: Claim) -> Markup:
    """A part of the question, and what the verdict answers."""
    short = {"supported": "Yes", "refuted": "No", "undecided": "Undecided"}[claim["verdict"]]
    return Markup("<strong>{} {}:</strong>").format(question, short)


def _means(study: Study, protocol: str) -> str:
    """Both networks' means; "" where the study lacks one."""
    old, new = (study.summary.cell(protocol, name) for name in COMPARED)
    if old is None or new is None:
        return ""
    return f"{percent(new.mean)} % against {percent(old.mean)} %"


def _helped(study: Study) -> str | Markup:
    claim, means = study.claim("fix-raises-published"), _means(study, "published")
    if claim is None or not means:
        return headline.answer(study.summary)[0]
    return layout.paragraph(
        "{} on the very names that it was trained on, as in the article, the fixed network's macro "
        "recall is {} of the 2017 tutorial's: {}.",
        _answered("Did it help?", claim),
        means,
        _judged(claim),
    )


def _which_part(study: Study) -> str | Markup:
    activation, readout, both = (
        study.claim(key)
        for key in ("relu-alone-published", "readout-alone-published", "halves-help-each-other")
    )
    if activation is None or readout is None or both is None:
        return "This ledger does not hold the claims that tell the two halves of the fix apart."
    halves = {"the activation": activation, "the readout": readout}
    helps = [half for half, claim in halves.items() if claim["verdict"] == "supported"]
    short = (" and ".join(helps) or "neither half by itself").capitalize()
    return layout.paragraph(
        "<strong>Which part did it? {}:</strong> on those names the activation alone is worth {}, "
        "the readout alone {}, and what both add together beyond that {}.",
        short,
        *map(_judged, (activation, readout, both)),
    )


def _holds(study: Study) -> str | Markup:
    claim, means = study.claim("fix-raises-unseen"), _means(study, "held_out")
    if claim is None or not means:
        return " ".join(headline.answer(study.summary)[1:])
    baseline = study.claim("ngrams-beat-the-network")
    ngrams = Markup("")
    if baseline is not None:
        ngrams = Markup(
            "; the difference of character n-grams with logistic regression to the fixed network "
            "is {}"
        ).format(_judged(baseline))
    return layout.paragraph(
        "{} on such names it is {}: {}{}.",
        _answered("Does it hold on names that it has not seen?", claim),
        means,
        _judged(claim),
        ngrams,
    )


def claims(study: Study) -> Section:
    """The ledger."""
    rows = study.ledger["claims"]
    if not rows:
        return Section("ledger", "The ledger", ["This study tests no claim."])
    counts = [
        Markup("{} {}").format(
            sum(row["verdict"] == verdict for row in rows), ledger.badge(verdict)
        )
        for verdict in ledger.SIGNS
    ]
    told = layout.paragraph(
        "What has been said of the tutorial and its fix, each claim tested on every run of the "
        "study: {}. Supported is an effect significantly above its threshold, refuted one "
        "significantly below, at {:g} % confidence by Holm’s method over all {} claims.",
        Markup(", ").join(counts),
        100 * study.ledger["confidence"],
        len(rows),
    )
    along = ledger.scale(rows)
    key = (
        "Effects are in points, of macro recall unless the claim names another metric, with their "
        "intervals and with p by Holm’s method. A dot is the effect, the bar its interval, the "
        "solid line zero and the dashed line the threshold; all have the same scale, from "
        f"{points(along.low)} to {points(along.high)}, and an arrow points to what lies beyond."
    )
    return Section("ledger", "The ledger", [told, key, ledger.listing(rows)])


def try_a_name(study: Study) -> Section:
    """A field for a surname, and how the networks read it."""
    return Section("try-a-name", "Try a name", [study.try_a_name])


def results(study: Study) -> Section:
    """Every run, architecture by protocol."""
    told = (
        f"In percent: mean, and the {study.confidence} interval of the mean beneath, over up to "
        f"{study.settings.study.replicates} replicates. A network that diverged has no score: it "
        "is counted and left out of the mean. Where replicates could not differ, one network is "
        "all there is, without an interval."
    )
    tables = [
        _across(study, "macro_recall", "Macro recall"),
        _across(study, "accuracy", "Accuracy: the share of all names that is right", folded=True),
    ]
    return Section("results", "Every network, every protocol", [told], tables=tables)


def _across(study: Study, metric: str, caption: str, folded: bool = False) -> Table:
    """One metric, a row for each architecture and a column for each protocol."""
    head = [layout.code(name, headline.PROTOCOLS[name]) for name in study.protocols]
    rows = []
    for name in study.summary.architectures:
        cells = [study.summary.cell(protocol, name, metric) for protocol in study.protocols]
        if any(cells):
            rows.append([layout.code(name, headline.words(name)), *map(_estimate, cells)])
    return Table(caption, ["architecture", *head], rows, folded)


def halves(study: Study) -> Section:
    """What each half of the fix is worth, and what they add together."""
    told = (
        "The fix changed two things at once: the state passes an activation, and the prediction "
        "is read out from the new state instead of beside it. The six networks change each alone. "
        "A main effect is the mean of what a half adds with and without the other; the whole is "
        "the sum of both. The interaction is what both add together beyond each alone."
    )
    figures, tables = [], []
    ends = [_points(row[end]) for row in study.effects for end in ENDS if row[end]]
    limits = (5 * math.floor(min(ends, default=-1) / 5), 5 * math.ceil(max(ends, default=1) / 5))
    for activation in dict.fromkeys(row["activation"] for row in study.effects):
        found = {
            (row["protocol"], row["part"]): row
            for row in study.effects if row["activation"] == activation
        }  # fmt: skip
        protocols = list(dict.fromkeys(protocol for protocol, _ in found))
        series = [
            plots.Series(
                headline.PROTOCOLS[protocol],
                [_points(found[protocol, part]["effect"]) for part in PARTS],
                [],
                [_points(found[protocol, part]["low"]) for part in PARTS],
                [_points(found[protocol, part]["high"]) for part in PARTS],
            )
            for protocol in protocols
        ]
        words = ACTIVATIONS[activation]
        label = f"{words}: points of macro recall, {study.confidence} interval"
        figures.append(
            Figure(
                plots.dots(list(PARTS.values()), series, label, limits=limits),
                f"The parts of the fix with {words}, a row each, with a mark and an interval for "
                "each protocol; the table beneath holds the figures.",
                f"The fix taken apart, with {words} as its activation.",
            )
        )
        rows = [
            [findings.PARTS[part], *(_part(found[protocol, part]) for protocol in protocols)]
            for part in PARTS
        ]
        head = ["part", *(layout.code(protocol) for protocol in protocols)]
        tables.append(Table(f"The parts of the fix with {words}, in points", head, rows))
    if not figures:
        told = "No protocol of this study holds the four networks that the fix is taken apart into."
    return Section("halves", "Which half of the fix", [told], figures, tables)


def _points(share: str) -> float:
    return 100 * float(share) if share else math.nan


def _part(row: dict[str, str]) -> Markup:
    told = Markup(points(float(row["effect"])))
    if not row["low"]:
        return told
    interval = f"{points(float(row['low']))} to {points(float(row['high']))}"
    return told + Markup(' <span class="interval">{}</span>').format(interval)


def unseen(study: Study) -> Section:
    """Published against unseen, as slopes."""
    ends = ("published", "held_out")
    both = [
        name for name in study.summary.architectures
        if all(study.summary.cell(protocol, name) for protocol in ends)
    ]  # fmt: skip
    if not both:
        missing = " nor ".join(p for p in ends if p not in study.protocols) or "one of them for all"
        told = f"This study holds no run under {missing}, so nothing is compared."
        return Section("unseen", "Published against unseen", [told])
    looks = _looks(study.summary.architectures)
    series, rows = [], []
    for name in both:
        cells = [study.summary.cell(protocol, name) for protocol in ends]
        mean, low, high = (_percents(cells, part) for part in ("mean", "low", "high"))
        series.append(plots.Series(name, [0, 1], mean, low, high, **looks[name]))
        words = layout.code(name, headline.words(name))
        rows.append([words, *map(_estimate, cells), points((mean[1] - mean[0]) / 100)])
    told = (
        "How steeply a line falls is how much of a score does not carry over from the names that a "
        f"network was trained on to those that it has not seen. {LOOKS}"
    )
    figure = Figure(
        plots.slopes(series, [headline.PROTOCOLS[protocol] for protocol in ends], MACRO_RECALL),
        "A line for each architecture, from its macro recall on the names that it was trained on "
        "down to that on unseen names; the table beneath holds the figures.",
        f"Macro recall of each architecture; bars are {study.confidence} intervals.",
    )
    head = ["architecture", *map(layout.code, ends), "unseen less published, in points"]
    table = Table("The same in figures, in percent", head, rows, folded=True)
    return Section("unseen", "Published against unseen", [told], [figure], [table])


def confusions(study: Study) -> Section:
    """Confusion under held_out: tutorial, fixed and their difference."""
    title = "Who is taken for whom"
    found = {name: study.shares("held_out", name) for name in COMPARED}
    missing = [name for name, shares in found.items() if not shares]
    told = [
        "Each row is a right language, each column an answer, and the colour says how often, over "
        "all replicates, on unseen names. What is right lies on the diagonal. Languages that the "
        "fixed network takes for each other stand side by side, in the same order throughout. "
        "Those of every other run are in MLflow."
    ]
    if missing:
        told.append(
            f"Not drawn: {', '.join(missing)} under held_out, which this study does not hold, and "
            "so not the difference between the two either."
        )
    held = {name: shares for name, shares in found.items() if shares}
    if not held:
        return Section("confusions", title, told)
    order = heatmap.clustered(list(held.values())[-1])
    languages = [study.languages[k] for k in order]
    held = {
        name: [[row[k] for k in order] for row in (s[j] for j in order)] for name, s in held.items()
    }
    figures = [
        Figure(
            heatmap.draw(shares, languages, key=name),
            f"Confusion matrix of {name} on unseen names; the table beneath holds its shares.",
            f"{name}.",
            inline=True,
        )
        for name, shares in held.items()
    ]
    tables = [
        _matrix(f"{name}: answers in percent of the row's names", languages, shares)
        for name, shares in held.items()
    ]
    if not missing:
        old, new = held.values()
        change = [
            [b - a for a, b in zip(one, other, strict=True)]
            for one, other in zip(old, new, strict=True)
        ]
        figures.append(
            Figure(
                heatmap.draw(change, languages, difference=True, key="difference"),
                "The difference of the two confusion matrices, fixed less tutorial_2017; the table "
                "beneath holds its points.",
                "fixed less tutorial_2017: vermillion is more often, blue less often. The scale "
                "ends at the largest difference.",
                inline=True,
            )
        )
        tables.append(_matrix("fixed less tutorial_2017, in points", languages, change))
    return Section("confusions", title, told, figures, tables)


def _matrix(caption: str, languages: list[str], shares: list[list[float]]) -> Table:
    rows = [
        [
            language,
            *(
                f"{100 * share:.0f}".replace("-0", "0").replace("-", "\N{MINUS SIGN}")
                for share in row
            ),
        ]
        for language, row in zip(languages, shares, strict=True)
    ]
    return Table(caption, ["right language", *languages], rows, folded=True)


def recalls(study: Study) -> Section:
    """Recall of each language on unseen names, the worst first."""
    protocol = "held_out" if "held_out" in study.protocols else study.summary.protocols[0]
    held = study.protocols[protocol]
    names = [name for name in COMPARED if name in held] or held[:2]
    found = {name: study.recalls(protocol, name) for name in held}
    last = found[names[-1]]
    languages = sorted(study.languages, key=lambda language: -last[language])
    series = [
        plots.Series(name, [found[name][language] for language in languages], []) for name in names
    ]
    figure = Figure(
        plots.dots(languages, series, "recall in percent, mean over replicates"),
        f"Recall of each language under {protocol}, for {' and '.join(names)}; the table beneath "
        "holds the figures.",
        f"Recall by language: {headline.PROTOCOLS[protocol]} ({protocol}), sorted by {names[-1]}.",
    )
    rows = [
        [language, f"{study.card['languages'][language]['clean']:,}",
         *(_shown(one[language]) for one in found.values())]
        for language in languages
    ]  # fmt: skip
    head = ["language", "clean names", *map(layout.code, held)]
    table = Table(f"Recall under {protocol}, in percent", head, rows, folded=True)
    told = (
        "How many names of each language are read right. Every language weighs the same in the "
        "macro recall, however few names it has."
    )
    return Section("recall", "Recall by language", [told], [figure], [table])


def learning(study: Study) -> Section:
    """Learning curves with their bands."""
    figures, tables = [], []
    for protocol, names in study.protocols.items():
        looks, found = _looks(names), {}
        for name in names:
            rows = [
                row for row in study.curves
                if (row["protocol"], row["architecture"]) == (protocol, name)
            ]  # fmt: skip
            if rows:  # counting and regression have no curve
                found[name] = {
                    float(row["step"]): [100 * float(row[column]) for column in CURVE]
                    for row in rows
                }
        if not found:
            continue
        series = []
        for name, curve in found.items():
            mean, low, high = zip(*curve.values(), strict=True)
            series.append(plots.Series(name, list(curve), mean, low, high, **looks[name]))
        figures.append(
            Figure(
                plots.curves(
                    series, "training steps, one name each", "names read right, in percent"
                ),
                f"Learning curves under {protocol}: the share of names read right by training "
                "step, a line with a band for each network; the table beneath holds the figures.",
                f"{protocol}: {headline.PROTOCOLS[protocol]}.",
            )
        )
        steps = sorted({step for curve in found.values() for step in curve})
        rows_shown = [
            [f"{step:,.0f}", *(_band(curve.get(step)) for curve in found.values())]
            for step in steps
        ]
        head = ["step", *map(layout.code, found)]
        caption = f"Learning under {protocol}, in percent"
        tables.append(Table(caption, head, rows_shown, folded=True))
    told = (
        "The share of names read right just before learning from them, mean over replicates, with "
        "the lowest and the highest replicate as a band. Training draws every language equally "
        f"often. {LOOKS}"
    )
    if not figures:
        told = "Nothing in this study is trained step by step, so there are no curves."
    return Section("learning", "How they learned", [told], figures, tables)


def _band(point: list[float] | None) -> Markup:
    if point is None:
        return Markup("–")
    return Markup('{:.1f} <span class="interval">{:.1f}–{:.1f}</span>').format(*point)


def calibration(study: Study) -> Section:
    """How far the confidence can be believed."""
    figures, tables = [], []
    for protocol in study.protocols:
        series, rows = [], []
        for name in _featured(study, protocol):
            bins = [
                row for row in study.calibration[protocol, name]
                if int(row["names"]) >= SMALLEST_BIN
            ]  # fmt: skip
            sure, right = (
                [100 * float(row[column]) for row in bins] for column in ("confidence", "accuracy")
            )
            series.append(plots.Series(name, sure, right))
            rows += [
                [layout.code(name), f"{int(row['names']):,}", _shown(a), _shown(b)]
                for row, a, b in zip(bins, sure, right, strict=True)
            ]
        figures.append(
            Figure(
                plots.reliability(series),
                f"Reliability diagram under {protocol}: how often answers are right against how "
                "sure they are; the table beneath holds the figures.",
                f"{protocol}: {headline.PROTOCOLS[protocol]}.",
            )
        )
        head = ["architecture", "answers", "how sure", "how often right"]
        tables.append(Table(f"The bins under {protocol}, in percent", head, rows, folded=True))
    told = (
        "A line under the dotted one belongs to a network that is more sure than it is right. Only "
        f"bins with {SMALLEST_BIN} answers or more, over all replicates, are drawn."
    )
    errors = _across(
        study, "ece", "Expected calibration error in percent, over 15 bins", folded=True
    )
    return Section("calibration", "How sure, and how right", [told], figures, [errors, *tables])


def outside(study: Study) -> Section:
    """The starter names that the data do not hold, read by the trained networks."""
    told = (
        f"The starter corpus holds {study.outside:,} names that the data set does not. It was "
        "written from general knowledge, nobody has checked it, and it is no sample of anything: "
        "it only shows whether the networks break on common names from elsewhere. Read by the "
        "networks of each protocol, in percent."
    )
    table = _across(study, "starter_macro_recall", "Macro recall on names from elsewhere")
    if not table.rows:
        told = "Every name of the starter corpus stands in this data set: no outside check is left."
        return Section("outside", "Names from elsewhere", [told])
    return Section("outside", "Names from elsewhere", [told], tables=[table])


def data(study: Study) -> Section:
    """The data card, and what a random split gives away."""
    language = card.most_repeated(study.card)
    counts = study.card["languages"][language]
    found = {
        name: [study.recalls(protocol, name)[language] for protocol in study.protocols]
        for name in dict.fromkeys(name for p in study.protocols for name in _featured(study, p))
    }
    places = [headline.PROTOCOLS[protocol] for protocol in study.protocols]
    figure = Figure(
        plots.dots(
            [place.replace(", ", ",\n") for place in places],
            [plots.Series(name, values, []) for name, values in found.items()],
            f"recall of {language} in percent",
        ),
        f"Recall of {language} under each protocol, for {', '.join(found)}; the table beneath "
        "holds the figures.",
        f"{language}: {counts['lines']:,} lines, but {counts['distinct']:,} distinct names.",
    )
    rows = [[layout.code(name), *map(_shown, values)] for name, values in found.items()]
    table = Table(
        f"Recall of {language}, in percent",
        ["architecture", *map(layout.code, study.protocols)],
        rows,
        folded=True,
    )
    told = [
        "What the names are, and what the tutorial's normalization and splits do to them.",
        f"The leak: {language} repeats most, {counts['lines']:,} lines of {counts['distinct']:,} "
        "names, so a random split of the lines trains on what it scores. Only held_out keeps every "
        "name on one side.",
    ]
    tables = [table, *card.tables(study.card, study.changes, study.checks)]
    facts = card.facts(study.card, study.checks)
    return Section("data", "The data, and the leak", told, [figure], tables, facts)


def method(study: Study) -> Section:
    """Protocols, recipe, scoring and limits; the long form is docs/method.md."""
    protocols = study.settings.protocols
    told = layout.environment(True).get_template("method.html").render(
        folds=protocols.held_out.folds,
        share=percent(protocols.random_split.held_out_share),
        confidence=study.confidence,
        languages=len(study.languages),
        claims=len(study.ledger["claims"]),
    )  # fmt: skip
    return Section("method", "Method and limits", [Markup(told)])


def sources(study: Study) -> Section:
    """What the page is made of, and by what."""
    return provenance.section(study.data_set, study.digests, study.settings)


SECTIONS: tuple[Callable[[Study], Section], ...] = (
    answer, claims, try_a_name, results, halves, unseen, confusions, recalls, learning,
    calibration, data, outside, method, sources,
)  # fmt: skip
