"""What is counted over all names."""

import csv
from pathlib import Path

from support.predict_command import predict
from support.projects import Project
from support.untrained import SMALL

from surnames.core import files
from surnames.core.corpus import LANGUAGES
from surnames.data.names import starter_names
from surnames.evaluation import scoring
from surnames.prediction.choose import load
from surnames.prediction.tally import SHOWN, Tally


def test_one_warning_counts_what_was_left_out() -> None:
    """However many names it was left out of; letters that are only spelled otherwise are not."""
    tally = Tally()
    tally.add(SMALL.ask(["Li李", "李", "Kim1李", "Groß"], 1), None)
    assert tally.warning() == (
        "characters that are not in the alphabet were left out of 3 of 4 names: "
        "李 (3), 1 (1); no answer for 1 of 4 names"
    )
    tally = Tally()
    tally.add(SMALL.ask(["Groß", "Ślusàrski"], 1), None)
    assert tally.warning() == tally.scores() == ""


def test_known_languages_are_scored(finished: Project, inside: Path, tmp_path: Path) -> None:
    """Accuracy and macro recall are those of scoring; other languages are counted apart."""
    known = starter_names(inside / files.STARTER)
    rows = [[name, LANGUAGES[k]] for name, k in zip(known.names, known.languages, strict=True)]
    rows += [["Quux", "Klingon"], ["Worf", "Klingon"], ["Spock", ""]]
    with open(tmp_path / "names.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "language"], *rows])
    probabilities = load("fixed").probabilities(known.names)
    expected = scoring.metrics(scoring.predict(probabilities, known.languages))
    _, remarks = predict(finished, "--file", str(tmp_path / "names.csv"))
    scores = f"accuracy {expected['accuracy']:.1%}, macro recall {expected['macro_recall']:.1%}"
    assert f"{scores}, over {len(known.names):,} names of 18 languages" in remarks
    assert "not scored: 3 names of unknown languages ('', 'Klingon')" in remarks


def test_a_name_without_an_answer_is_wrong() -> None:
    """It does not raise the accuracy by being left out."""
    tally = Tally()
    tally.add(SMALL.ask(["李", "123"], 1), ["Chinese", "Arabic"])
    assert "accuracy 0.0%" in tally.scores()
    assert "over 2 names of 2 languages" in tally.scores()


def test_unknown_languages_do_not_fill_the_memory() -> None:
    """A column of something else is counted, and some of it is shown."""
    tally = Tally()
    for chunk in range(3):
        tally.add(SMALL.ask(["Kim"] * 100, 1), [f"{chunk}-{k}" for k in range(100)])
    assert tally.unknown == 300
    assert len(tally.unknown_languages) == SHOWN
