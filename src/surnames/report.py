"""The report: what a study found, as one page that needs nothing else, and its data card.

The page is a list of sections, each a function of the study; a new one is a function and a row of
SECTIONS. A section that the study holds nothing for says so in a sentence.
"""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from surnames import headline, heatmap, plots
from surnames.core import params
from surnames.core.params import Protocols, Recipe
from surnames.factorial import FACTORIAL
from surnames.headline import Cell, Summary, percent

Rows = list[dict[str, str]]
TEMPLATES = Path(__file__).parent / "templates"
QUESTION = (
    "Did fixing the PyTorch character-RNN tutorial help, which part of the fix did it, "
    "and does it hold on names that the network has not seen?"
)
FEATURED = ("tutorial_2017", "fixed", "ngram_logistic")  # where eight lines would be too many
LIBRARIES = (
    "torch", "numpy", "scipy", "scikit-learn", "numba", "pandas", "matplotlib", "dvc", "mlflow",
)  # fmt: skip
SMALLEST_BIN = 100  # predictions; the share of fewer says little


@dataclass(frozen=True)
class Settings:
    """The parts of params.yaml that the page shows."""

    architectures: dict[str, dict[str, Any]]
    protocols: Protocols
    recipes: dict[str, Recipe]
    study: params.Study

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each parameter's full name and value."""
        return [
            *_flat(self.study.model_dump(), "study."),
            *_flat(self.protocols.model_dump(), "protocols."),
            *_flat(
                {name: recipe.model_dump() for name, recipe in self.recipes.items()}, "recipes."
            ),
            *_flat(self.architectures, "architectures."),
        ]


@dataclass(frozen=True)
class Study:
    """All that the report is made of; the tables as `files.read_table` gives them."""

    settings: Settings
    data_set: dict[str, str]
    summary: Summary
    recall: Rows
    curves: Rows
    confusions: Rows
    calibration: dict[tuple[str, str], Rows]
    card: dict[str, Any]
    changes: Rows
    checks: dict[str, dict[str, Any]]
    outside: int  # names of the starter corpus that the data do not hold
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

    def shares(self, protocol: str, name: str) -> list[list[float]]:
        """The confusion of one run, (languages, languages); [] where the study lacks it."""
        found: dict[str, list[float]] = {}
        for row in self.confusions:
            if (row["protocol"], row["architecture"]) == (protocol, name):
                found.setdefault(row["language"], []).append(float(row["share"]))
        return list(found.values())

    @property
    def languages(self) -> list[str]:
        """In the order of all tables."""
        return list(self.card["languages"])


@dataclass(frozen=True)
class Table:
    """A table with a caption; `folded` ones open on demand."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Markup]]
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows for those who do not see it, and what stands beneath."""

    svg: str
    alt: str
    caption: str

    @property
    def address(self) -> str:
        """The picture as a data URI, so that the page needs no other file."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    title: str
    paragraphs: Sequence[str | Markup] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    items: Sequence[str | Markup] = field(default=())


def _environment(escape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def page(study: Study) -> str:
    """The report as HTML, with nothing to fetch; its only script is that of `try_a_name`."""
    sections = [make(study) for make in SECTIONS]
    return (
        _environment(True)
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
    return (
        _environment(False)
        .get_template("data.md")
        .render(
            starter=study.summary.starter,
            data_set=study.data_set,
            facts=_facts(study),
            tables=_data_tables(study),
            pipes=_pipes,
        )
    )


def headline_figure(study: Study) -> str:
    """The README's picture: macro recall by architecture and protocol."""
    rows = [f"{name}\n{headline.words(name)}".strip() for name in study.summary.architectures]
    label = f"{_axis(study)}\n{_data_set(study)}"
    return plots.dots(rows, _by_protocol(study), label, plots.WIDE)


def _pipes(table: Table) -> str:
    """A table in markdown."""
    lines = [list(table.head), ["---"] * len(table.head), *map(list, table.rows)]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _axis(study: Study) -> str:
    return f"macro recall in percent, mean and {study.confidence} interval"


def _data_set(study: Study) -> str:
    """For the pictures that stand alone."""
    loud = " (STARTER CORPUS: no answer)" if study.summary.starter else ""
    return f"data set {study.summary.data_set}{loud}"


def _estimate(cell: Cell | None) -> str | Markup:
    if cell is None:
        return ""
    if not cell.interval:
        return percent(cell.mean)
    # a dash is shorter, and a phone narrow; behind a minus it would be read as another one
    short = cell.interval if cell.low < 0 else cell.interval.replace(" to ", "–")
    return Markup('{} <span class="interval">{}</span>').format(percent(cell.mean), short)


def _name(name: str) -> Markup:
    words = headline.words(name)
    return Markup("<code>{}</code>{}").format(
        name, Markup(' <span class="words">{}</span>').format(words) if words else ""
    )


def _networks(cell: Cell) -> str:
    return f"{cell.replicates}" + (f" + {cell.diverged} diverged" if cell.diverged else "")


def _percents(cells: Sequence[Cell | None], part: str) -> list[float]:
    return [100 * getattr(cell, part) if cell else math.nan for cell in cells]


def _by_protocol(study: Study) -> list[plots.Series]:
    found = []
    for protocol in study.protocols:
        cells = [study.summary.cell(protocol, name) for name in study.summary.architectures]
        found.append(
            plots.Series(
                headline.PROTOCOLS[protocol],
                _percents(cells, "mean"),
                [],
                _percents(cells, "low"),
                _percents(cells, "high"),
            )
        )
    return found


def _featured(study: Study, protocol: str) -> list[str]:
    """The architectures that a crowded figure shows: the three of interest, or the first three."""
    names = study.protocols[protocol]
    return [name for name in FEATURED if name in names] or names[:3]


def answer(study: Study) -> Section:
    """The answer, in sentences that the figures choose."""
    note = (
        f"In brackets the {study.confidence} interval of the mean over replicates. Macro recall is "
        f"the mean of the recalls of the {len(study.languages)} languages; a guess, or always "
        f"the same answer, has {percent(1 / len(study.languages))} %. Whether a difference is more "
        "than chance is not judged here: intervals that overlap, or do not, are no test of it."
    )
    told = [*headline.answer(study.summary), headline.diverged(study.summary)]
    return Section("answer", "The answer", [" ".join(filter(None, told)), note])


def try_a_name(study: Study) -> Section:
    """A field for a surname, and how the networks read it."""
    return Section("try-a-name", "Try a name", [study.try_a_name])


def results(study: Study) -> Section:
    """Every run in one table for each protocol."""
    told = (
        f"In percent: mean, and the {study.confidence} interval of the mean beneath. A network "
        "that diverged has no score: it is counted in the last column and left out of the means. "
        "Where replicates could not differ, one network is all there is, without an interval."
    )
    tables = _tables(study, ("macro_recall", "accuracy"))
    return Section("results", "Every network, every protocol", [told], tables=tables)


def _tables(study: Study, metrics: Sequence[str]) -> list[Table]:
    """A table for each protocol: the architectures with macro recall and accuracy of some names."""
    tables = []
    for protocol, names in study.protocols.items():
        rows = []
        for name in names:
            cells = [study.summary.cell(protocol, name, metric) for metric in metrics]
            if cells[0] is not None:
                rows.append([_name(name), *map(_estimate, cells), _networks(cells[0])])
        if rows:
            caption = f"{protocol}: {headline.PROTOCOLS[protocol]}"
            head = ["architecture", "macro recall", "accuracy", "networks"]
            tables.append(Table(caption, head, rows))
    return tables


def unseen(study: Study) -> Section:
    """Published against unseen."""
    missing = [p for p in ("published", "held_out") if p not in study.protocols]
    told = (
        "How far the mark for unseen names lies left of the mark for the names that a network was "
        "trained on is how much of its score does not carry over."
    )
    if missing:
        told = f"This study holds no run under {' nor '.join(missing)}, so nothing is compared."
    figure = Figure(
        plots.dots(study.summary.architectures, _by_protocol(study), _axis(study)),
        "Macro recall of each architecture, a row each, with a mark and an interval for each "
        "protocol; the figures stand in the table above.",
        "Macro recall by architecture and protocol.",
    )
    return Section("unseen", "Published against unseen", [told], [figure])


def factorial(study: Study) -> Section:
    """What each half of the fix is worth: activation by readout."""
    told = (
        "The fix changed two things at once: the state passes an activation, and the prediction "
        "is read out from the new state instead of beside it. Here each is changed alone. Macro "
        "recall in percent."
    )
    tables = []
    for protocol, names in study.protocols.items():
        if not set(names) & set(FACTORIAL.values()):
            continue
        rows = [
            [
                headline.READOUTS[readout],
                *(
                    _estimate(study.summary.cell(protocol, FACTORIAL[activation, readout]))
                    or "not in this study"
                    for activation in headline.ACTIVATIONS
                ),
            ]
            for readout in headline.READOUTS
        ]
        tables.append(Table(protocol, ["", *headline.ACTIVATIONS.values()], rows))
    if not tables:
        told = "None of the six networks that the fix is taken apart into is in this study."
    return Section("factorial", "Which half of the fix", [told], tables=tables)


def confusions(study: Study) -> Section:
    """Confusion under held_out: tutorial, fixed and their difference."""
    found = {name: study.shares("held_out", name) for name in ("tutorial_2017", "fixed")}
    missing = [name for name, shares in found.items() if not shares]
    told = [
        "Each row is a right language, each column an answer, and the colour says how often, over "
        "all replicates. What is right lies on the diagonal. Those of every other run are "
        "in MLflow."
    ]
    figures = [
        Figure(
            heatmap.draw(shares, study.languages),
            f"Confusion matrix of {name} on unseen names; its data are in results/confusions.csv.",
            f"{name}, on unseen names.",
        )
        for name, shares in found.items()
        if shares
    ]
    if missing:
        told.append(
            f"Not drawn: {', '.join(missing)} under held_out, which this study does not hold, and "
            "so not the difference between the two either."
        )
        return Section("confusions", "Who is taken for whom", told, figures)
    old, new = found.values()
    change = [
        [b - a for a, b in zip(one, other, strict=True)]
        for one, other in zip(old, new, strict=True)
    ]
    figures.append(
        Figure(
            heatmap.draw(change, study.languages, difference=True),
            "The difference of the two confusion matrices.",
            "fixed less tutorial_2017: vermillion is more often, blue less often. The scale ends "
            "at the largest difference.",
        )
    )
    rows = [
        [language, percent(old[k][k]), percent(new[k][k]), *_mistaken(study.languages, new[k], k)]
        for k, language in enumerate(study.languages)
    ]
    head = ["right language", "tutorial_2017 right", "fixed right", "fixed: most often taken for"]
    table = Table("The diagonals, in percent", [*head, "how often"], rows, folded=True)
    return Section("confusions", "Who is taken for whom", told, figures, [table])


def _mistaken(languages: list[str], shares: list[float], right: int) -> list[str]:
    """The wrong language that is answered most often, and how often."""
    wrong = max((k for k in range(len(shares)) if k != right), key=lambda k: shares[k])
    return [languages[wrong], percent(shares[wrong])] if shares[wrong] else ["none", ""]


def recalls(study: Study) -> Section:
    """Recall of each language under each protocol."""
    found = {
        (row["protocol"], row["architecture"], row["language"]): _share(row["recall"])
        for row in study.recall
    }
    figures, tables = [], []
    for protocol in study.protocols:
        names = _featured(study, protocol)
        table = {
            name: [found[protocol, name, language] for language in study.languages]
            for name in names
        }
        series = [
            plots.Series(name, [100 * share for share in shares], [])
            for name, shares in table.items()
        ]
        figures.append(
            Figure(
                plots.dots(study.languages, series, "recall in percent, mean over replicates"),
                f"Recall of each language under {protocol}, for {', '.join(names)}; "
                "the figures stand in the table beneath.",
                f"{protocol}: {headline.PROTOCOLS[protocol]}.",
            )
        )
        rows = [
            [language, *("" if math.isnan(s[k]) else percent(s[k]) for s in table.values())]
            for k, language in enumerate(study.languages)
        ]
        caption = f"Recall under {protocol}, in percent"
        tables.append(Table(caption, ["language", *names], rows, folded=True))
    told = "How many names of each language are read right. Every language weighs the same in it."
    return Section("recall", "Recall by language", [told], figures, tables)


def _share(cell: str) -> float:
    return float(cell) if cell else math.nan


def learning(study: Study) -> Section:
    """Learning curves with their bands."""
    colours = dict(
        zip(headline.ACTIVATIONS, (plots.BLACK, plots.BLUE, plots.VERMILLION), strict=True)
    )
    looks = {
        name: {"colour": colours[activation], "dashed": readout == "combined"}
        for (activation, readout), name in FACTORIAL.items()
    }
    figures = []
    for protocol, names in study.protocols.items():
        series = []
        for place, name in enumerate(names):
            rows = [
                row for row in study.curves
                if (row["protocol"], row["architecture"]) == (protocol, name)
            ]  # fmt: skip
            if not rows:
                continue  # counting and regression have no curve
            mean, low, high = (
                [100 * float(row[column]) for row in rows]
                for column in ("accuracy", "accuracy_low", "accuracy_high")
            )
            other = {"colour": (plots.GREEN, plots.PURPLE)[place % 2], "dashed": False}
            look: dict[str, Any] = looks.get(name, other)
            series.append(
                plots.Series(name, [float(row["step"]) for row in rows], mean, low, high, **look)
            )
        if series:
            label = "names read right, in percent"
            figures.append(
                Figure(
                    plots.curves(series, "training steps, one name each", label),
                    f"Learning curves under {protocol}: the share of names read right rises with "
                    "training; the data are in results/curves.csv.",
                    f"{protocol}.",
                )
            )
    told = (
        "The share of names read right just before learning from them, mean over replicates, with "
        "the lowest and the highest replicate as a band. Training draws every language equally "
        "often. Solid lines are read out from the state, dashed ones beside it; black has no "
        "activation, blue tanh, vermillion ReLU."
    )
    if not figures:
        told = "Nothing in this study is trained step by step, so there are no curves."
    return Section("learning", "How they learned", [told], figures)


def calibration(study: Study) -> Section:
    """How far the confidence can be believed."""
    figures, rows = [], []
    for protocol in study.protocols:
        series = []
        for name in _featured(study, protocol):
            bins = [
                row for row in study.calibration[protocol, name]
                if int(row["names"]) >= SMALLEST_BIN
            ]  # fmt: skip
            sure, right = (
                [100 * float(row[column]) for row in bins] for column in ("confidence", "accuracy")
            )
            series.append(plots.Series(name, sure, right))
        figures.append(
            Figure(
                plots.reliability(series),
                f"Reliability diagram under {protocol}; the expected errors are in the table.",
                f"{protocol}.",
            )
        )
        rows += [
            [protocol, _name(name), _estimate(study.summary.cell(protocol, name, "ece"))]
            for name in study.protocols[protocol]
        ]
    told = (
        "A line under the dotted one belongs to a network that is more sure than it is right. Only "
        f"bins with {SMALLEST_BIN} answers or more, over all replicates, are drawn."
    )
    table = Table(
        "Expected calibration error, in percent, over 15 bins",
        ["protocol", "architecture", "error"],
        rows,
        folded=True,
    )
    return Section("calibration", "How sure, and how right", [told], figures, [table])


def outside(study: Study) -> Section:
    """The starter names that the data do not hold, read by the trained networks."""
    told = (
        f"The starter corpus holds {study.outside:,} names that the data set does not. It was "
        "written from general knowledge, nobody has checked it, and it is no sample of anything: "
        "it only shows whether the networks break on common names from elsewhere. Read by the "
        "networks of each protocol, in percent."
    )
    tables = _tables(study, ("starter_macro_recall", "starter_accuracy"))
    if not tables:
        told = "Every name of the starter corpus stands in this data set: no outside check is left."
    return Section("outside", "Names from elsewhere", [told], tables=tables)


def data(study: Study) -> Section:
    """The data card."""
    told = "What the names are, and what the tutorial's normalization and splits do to them."
    return Section("data", "The data", [told], tables=_data_tables(study), items=_facts(study))


def _facts(study: Study) -> list[str]:
    card = study.card
    lost = sum(card["letters_lost"].values())
    changes = card["changes"]
    limits = card["ceilings"]
    largest = max(card["languages"], key=lambda name: card["languages"][name]["lines"])
    facts = [
        f"{card['lines']:,} lines in {len(card['languages'])} files; as the tutorial reads them "
        f"{card['distinct_names']:,} distinct names and {card['distinct_pairs']:,} distinct pairs "
        f"of name and language. Cleaned: {card['clean_names']:,} pairs.",
        f"{changes.get('repeated', 0):,} lines repeat an earlier line of their language.",
        f"{card['names_under_several_languages']:,} names stand under more than one language, one "
        f"of them under {card['most_languages_of_one_name']}. So the best possible accuracy is "
        f"{percent(limits['lines']['accuracy'])} % over all lines and "
        f"{percent(limits['names']['accuracy'])} % over clean names, and the best possible macro "
        f"recall {percent(limits['lines']['macro_recall'])} % and "
        f"{percent(limits['names']['macro_recall'])} %.",
        f"{changes.get('not a name', 0):,} lines are no names at all, and are dropped by cleaning.",
        f"{lost:,} characters are dropped by the tutorial's normalization without a word"
        + (
            ": " + ", ".join(f"‘{sign}’ {count}×" for sign, count in card["letters_lost"].items())
            if lost
            else ""
        )
        + ".",
        f"{largest} is {percent(card['languages'][largest]['lines'] / card['lines'])} % of all "
        "lines: always answering it is as accurate as that.",
    ]
    facts += [
        f"Under {protocol}, {percent(check['scored_names_that_stand_in_training'])} % of the "
        "scored names also stand in training."
        for protocol, check in study.checks.items()
    ]
    return facts


def _data_tables(study: Study) -> list[Table]:
    counts = Table(
        "Names by language",
        ["language", "lines", "distinct", "cleaned"],
        [
            [name, *(f"{row[column]:,}" for column in ("lines", "distinct", "clean"))]
            for name, row in study.card["languages"].items()
        ],
    )
    leaks = Table(
        "Scored names that also stand in training, in percent",
        ["language", *study.checks],
        [
            [
                language,
                *(percent(check["by_language"][language]) for check in study.checks.values()),
            ]
            for language in study.languages
        ],
    )
    kept = [
        [
            row["language"], row["line"], _visible(row["text"]), _visible(row["published"]),
            _visible(row["cleaned"]) or "(dropped)", row["reasons"],
        ]
        for row in study.changes
        if not all(reason.startswith("repeats ") for reason in row["reasons"].split("; "))
    ]  # fmt: skip
    changed = Table(
        f"The {len(kept)} lines that were changed or dropped for more than repeating another",
        ["language", "line", "as it stands", "as the tutorial reads it", "cleaned", "why"],
        kept,
        folded=True,
    )
    return [counts, leaks, changed]


def _visible(text: str) -> str:
    """White space at the ends, and any that is no plain space, made visible."""
    inner = text.strip(" ")
    shown = text.replace("\u00a0", "⍽")
    return shown if inner == text else shown.replace(inner, inner + "␣", 1).rstrip(" ")


def method(study: Study) -> Section:
    """Protocols, recipe, scoring and limits; the long form is docs/method.md."""
    protocols = study.settings.protocols
    told = _environment(True).get_template("method.html").render(
        folds=protocols.held_out.folds,
        share=percent(protocols.random_split.held_out_share),
        confidence=study.confidence,
        languages=len(study.languages),
    )  # fmt: skip
    return Section("method", "Method and limits", [Markup(told)])


def provenance(study: Study) -> Section:
    """The data set, the parameters and the libraries."""
    facts = [
        Markup("Data set: {}, identity <code>{}</code>").format(
            study.data_set["name"], study.data_set["identity"]
        ),
        "Libraries: " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        Markup("Code and results belong together by <code>dvc.lock</code> in the same commit."),
    ]
    values = [
        [Markup("<code>{}</code>").format(name), value] for name, value in study.settings.pairs
    ]
    table = Table("Parameters of this study", ["parameter", "value"], values, folded=True)
    return Section("provenance", "Where this comes from", tables=[table], items=facts)


def _version(library: str) -> str:
    return metadata.version(library).partition("+")[0]  # torch's says which processor it is for


def _flat(values: dict[str, Any], place: str) -> list[tuple[str, str]]:
    """`{"online": {"steps": 1}}`, `recipes.` as `[("recipes.online.steps", "1")]`."""
    pairs = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{place}{key}.")
        else:
            pairs.append((place + key, str(value)))
    return pairs


SECTIONS: tuple[Callable[[Study], Section], ...] = (
    answer, try_a_name, results, unseen, factorial, confusions, recalls, learning, calibration,
    outside, data, method, provenance,
)  # fmt: skip
