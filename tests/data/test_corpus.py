"""The names as files, lines, clean names and splits: nothing is lost, and nothing leaks."""

import hashlib
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support.projects import ROOT

from surnames.core import alphabet, corpus, params
from surnames.core.corpus import BOTH, LANGUAGES, TEST, TRAIN, Corpus
from surnames.core.errors import DataError
from surnames.data import facts, sources, splits
from surnames.data.names import Line, normalize, read_lines, starter_names, without

STARTER = ROOT / "data" / "starter"
# few letters and few languages, so that names repeat and stand under several languages
LINES = st.lists(
    st.builds(
        Line,
        st.sampled_from(LANGUAGES[:3]),
        st.integers(1, 9),
        st.text("aAbBéß-' ,/1", max_size=3),
    ),
    min_size=1,
    max_size=12,
)
CORPORA = st.lists(
    st.tuples(st.text(alphabet.LETTERS + '"\n\té', max_size=6), st.integers(0, 17)), max_size=12
).map(lambda rows: Corpus([name for name, _ in rows], np.array([k for _, k in rows], np.int64)))


def same(found: Corpus, wanted: Corpus) -> bool:
    """Whether two corpora hold the same names and languages in the same order."""
    return found.names == wanted.names and found.languages.tolist() == wanted.languages.tolist()


@given(st.dictionaries(st.sampled_from(["B.txt", "A.txt", "Ä.txt", "a.txt"]), st.binary()))
def test_identity_is_as_specified(contents: dict[str, bytes]) -> None:
    """Computed anew, and the order in which the files come does not count."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(hashlib.sha256(contents[name]).hexdigest().encode())
        digest.update(b"  " + name.encode() + b"\n")
    backwards = dict(reversed(contents.items()))
    assert sources.identity(contents) == sources.identity(backwards) == digest.hexdigest()


def test_files_are_read_as_the_tutorial_reads_them(tmp_path: Path) -> None:
    """`read().strip().split("\\n")`: no line is lost, even an empty one inside."""
    for language in LANGUAGES:
        (tmp_path / f"{language}.txt").write_bytes("Ösel \n\nBar,\r\n Foo\n\n".encode())
    lines = read_lines(tmp_path)
    assert [line.text for line in lines[:4]] == ["Ösel ", "", "Bar,", " Foo"]
    assert [line.number for line in lines[:4]] == [1, 2, 3, 4]
    assert [line.language for line in lines] == [k for k in LANGUAGES for _ in range(4)]


def test_files_that_are_not_names_are_refused(tmp_path: Path) -> None:
    """A missing file and one that is not text, each by its name."""
    for language in LANGUAGES:
        (tmp_path / f"{language}.txt").write_text("A\n")
    (tmp_path / "Greek.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"Greek\.txt is not UTF-8"):
        read_lines(tmp_path)
    (tmp_path / "Greek.txt").unlink()
    with pytest.raises(DataError, match=r"Greek\.txt is missing"):
        read_lines(tmp_path)


@given(LINES)
def test_every_line_is_kept_as_it_stands_or_in_the_record(lines: list[Line]) -> None:
    """No line changes or goes silently, and the record tells what became of it."""
    every, clean, changes = normalize(lines, ["a  b"])
    recorded = {id(change.line): change for change in changes}
    assert len(every.names) == len(lines)
    kept = []
    for line, form, language in zip(lines, every.names, every.languages, strict=True):
        assert form == alphabet.published_form(line.text)
        assert LANGUAGES[language] == line.language
        change = recorded.pop(id(line), None)
        if change is None:
            assert line.text == form
            kept.append((line.text, line.language))
            continue
        assert change.published == form
        assert change.reasons
        assert all(change.reasons)
        if change.cleaned:
            kept.append((change.cleaned, line.language))
        else:
            gone = alphabet.cleaned_form(line.text)
            junk = " ".join(line.text.split()) == "a b"
            assert junk or not gone or (gone, line.language) in kept, "dropped for no reason"
    assert not recorded
    assert kept == [(n, LANGUAGES[k]) for n, k in zip(clean.names, clean.languages, strict=True)]
    assert len(set(kept)) == len(kept), "a (name, language) pair stands twice"


def test_reasons_say_what_happened() -> None:
    """One line of each kind."""
    texts = ["Smith", "Smith", "Groß", "Dubček", "To The First Page", "12", "Ta ", "Smith "]
    lines = [Line("English", number, text) for number, text in enumerate(texts, 1)]
    _, clean, changes = normalize(lines, ["To The First  Page"])
    assert {change.line.number: change.reasons for change in changes} == {
        2: ("repeats line 1",),
        3: ("the tutorial drops ß", "cleaned"),
        4: ("marks removed",),
        5: ("not a name",),
        6: ("the tutorial drops 1 2", "no letter left"),
        7: ("cleaned",),
        8: ("cleaned", "repeats line 1"),
    }
    assert clean.names == ["Smith", "Gross", "Dubcek", "Ta"]


@given(LINES)
def test_card_counts_what_is_there(lines: list[Line]) -> None:
    """Against a count that shares nothing with it but the two forms."""
    every, clean, changes = normalize(lines, [])
    assume(clean.names)
    card = facts.card(lines, every, clean, changes)
    forms = [(alphabet.published_form(line.text), line.language) for line in lines]
    under = defaultdict(set)
    for name, language in forms:
        under[name].add(language)
    assert card["lines"] == len(lines)
    assert card["distinct_names"] == len(under)
    assert card["distinct_pairs"] == len(set(forms))
    assert card["names_under_several_languages"] == sum(len(k) > 1 for k in under.values())
    assert card["most_languages_of_one_name"] == max(map(len, under.values()))
    cleaned = {(alphabet.cleaned_form(line.text), line.language) for line in lines}
    cleaned = {pair for pair in cleaned if pair[0]}
    assert card["clean_names"] == len(cleaned)
    assert sum(card["letters_lost"].values()) == sum(
        letter in "ß-/1" for line in lines for letter in line.text
    )
    for language in LANGUAGES:
        assert card["languages"][language] == {
            "lines": sum(spoken == language for _, spoken in forms),
            "distinct": sum(spoken == language for _, spoken in set(forms)),
            "clean": sum(spoken == language for _, spoken in cleaned),
        }


def test_real_names_are_as_measured(names: Path) -> None:
    """The numbers of the design, which others have measured, and a count with `sort | uniq`."""
    lines = read_lines(names)
    config = params.load(ROOT / "params.yaml")
    every, clean, changes = normalize(lines, config.normalize.not_names)
    card = facts.card(lines, every, clean, changes)
    assert card["lines"] == 20074
    assert card["distinct_names"] == 17422
    assert card["names_under_several_languages"] == 476
    assert card["most_languages_of_one_name"] == 6
    assert card["languages"]["Arabic"] == {"lines": 2000, "distinct": 108, "clean": 108}
    assert card["changes"]["not a name"] == 24
    assert 0.465 < card["languages"]["Russian"]["lines"] / card["lines"] < 0.475
    texts = Counter((line.language, line.text) for line in lines)
    assert card["changes"]["repeated"] >= sum(texts.values()) - len(texts) - 24
    assert "To The First Page" in every.names
    assert "To The First Page" not in clean.names
    split = splits.split_random(every, 3, 0.15, 1)
    names = np.array(every.names)
    seen = [
        np.isin(names[split.scored_rows(r)], names[split.training_rows(r)]).mean() for r in range(3)
    ]
    assert 0.13 < np.mean(seen) < 0.18


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=7))
def test_ceilings_are_the_best_of_all_answers(rows: list[tuple[str, int]]) -> None:
    """By brute force: every function from the names to the languages."""
    names, right = [name for name, _ in rows], np.array([k for _, k in rows])
    strings, present = sorted(set(names)), sorted(set(right.tolist()))
    accuracies, recalls = [], []
    for answers in product(present, repeat=len(strings)):
        said = np.array([answers[strings.index(name)] for name in names])
        accuracies.append((said == right).mean())
        recalls.append(np.mean([(said == right)[right == k].mean() for k in present]))
    found = facts.ceilings(Corpus(names, right))
    assert_allclose(found["accuracy"], max(accuracies))
    assert_allclose(found["macro_recall"], max(recalls))


def starter() -> Corpus:
    """Clean names with every difficulty for a split: namesakes in other languages and cases."""
    clean = starter_names(STARTER)
    more = [clean.names[row].upper() for row in range(0, len(clean.names), 40)]
    more += [clean.names[row].lower() for row in range(0, len(clean.names), 40)]
    languages = [*clean.languages, *(k % 18 for k in range(len(more)))]
    return Corpus([*clean.names, *more], np.array(languages, np.int64))


def test_held_out_folds_partition_the_names() -> None:
    """Each name is held out once in a round of folds; every round is drawn anew."""
    names = starter()
    split = splits.split_held_out(names, 5, 3, seed=3)
    assert set(np.unique(split.roles)) == {TRAIN, TEST}
    held_out = split.roles == TEST
    assert_array_equal(held_out[:, :5].sum(axis=1), 1)
    assert_array_equal(held_out[:, 5:10].sum(axis=1), 1)
    for first in range(5):
        for second in range(5, 15):
            assert (held_out[:, first] != held_out[:, second]).any()
    assert (held_out[:, 10] != held_out[:, 0]).any()


def test_no_name_is_on_both_sides() -> None:
    """In any case and any language, in no replicate."""
    names = starter()
    split = splits.split_held_out(names, 5, 2, seed=3)
    folded = np.array([name.casefold() for name in names.names])
    assert len(set(folded)) < len(folded) - 40  # there is something to leak
    for replicate in range(10):
        test, training = split.scored_rows(replicate), split.training_rows(replicate)
        assert not set(folded[test]) & set(folded[training])
        assert sorted([*test, *training]) == list(range(len(folded)))


def test_folds_are_stratified() -> None:
    """Every fold holds about a fifth of every language."""
    names = starter_names(STARTER)
    split = splits.split_held_out(names, 5, 1, seed=1)
    for language, replicate in product(range(len(LANGUAGES)), range(5)):
        share = (split.roles[names.languages == language, replicate] == TEST).mean()
        assert 0.15 < share < 0.25


def test_splits_depend_on_the_seed_alone() -> None:
    """The same seed draws the same, another one another; more replicates change no earlier one."""
    names = starter()
    for draw in (
        lambda replicates, seed: splits.split_held_out(names, 2, replicates // 2, seed).roles,
        lambda replicates, seed: splits.split_random(names, replicates, 0.15, seed).roles,
    ):
        assert_array_equal(draw(4, 1), draw(4, 1))
        assert_array_equal(draw(4, 1), draw(8, 1)[:, :4])
        for replicate in range(4):
            assert (draw(4, 1)[:, replicate] != draw(4, 2)[:, replicate]).any()


@given(st.integers(7, 60), st.floats(0.1, 0.9), st.integers(0, 5))
def test_random_split_holds_out_its_share(count: int, share: float, seed: int) -> None:
    """To the line, drawn anew for each replicate, and every line has the same chance."""
    names = Corpus(["a"] * count, np.zeros(count, np.int64))
    split = splits.split_random(names, 20, share, seed)
    assert_array_equal((split.roles == TEST).sum(axis=0), round(share * count))
    assert set(np.unique(split.roles)) <= {TRAIN, TEST}
    assert len({column.tobytes() for column in split.roles.T}) > 1


def test_published_trains_and_scores_on_every_line() -> None:
    """As the tutorial does it."""
    split = splits.split_published(starter(), 2)
    assert (split.roles == BOTH).all()
    every = np.arange(len(split.corpus.names))
    assert_array_equal(split.training_rows(1), every)
    assert_array_equal(split.scored_rows(1), every)


@given(CORPORA)
def test_tables_of_names_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, names: Corpus
) -> None:
    """Commas, quotes, spaces at either end, empty names: what was saved is what is loaded."""
    path = tmp_path_factory.getbasetemp() / "names.csv"
    corpus.save(names, path)
    assert same(corpus.load(path), names)


@given(CORPORA.filter(lambda names: bool(names.names)), st.integers(1, 3))
def test_tables_of_splits_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, names: Corpus, replicates: int
) -> None:
    """Names, languages and each replicate's role."""
    path = tmp_path_factory.getbasetemp() / "split.csv"
    rng = np.random.default_rng(len(names.names) + replicates)
    roles = rng.choice([TRAIN, TEST, BOTH], (len(names.names), replicates))
    corpus.save_split(corpus.Split(names, roles), path)
    loaded = corpus.load_split(path)
    assert same(loaded.corpus, names)
    assert_array_equal(loaded.roles, roles)


def test_unknown_language_in_a_table_is_named(tmp_path: Path) -> None:
    """A table that another hand has changed."""
    path = tmp_path / "names.csv"
    path.write_text("name,language\nSmith,English\nSmid,Klingon\n")
    with pytest.raises(DataError, match="'Klingon'"):
        corpus.load(path)


def test_starter_corpus_is_what_it_says() -> None:
    """18 languages with at least 60 surnames each, and another identity than the pinned one."""
    names = starter_names(STARTER)
    assert np.bincount(names.languages, minlength=18).min() >= 60
    pinned = params.load(ROOT / "params.yaml").fetch.identity
    assert sources.identity(sources.read_folder(STARTER, 10**6)) != pinned


def test_names_without_those_of_another_corpus() -> None:
    """In any case and whatever the language: a network may have seen the string."""
    ours = Corpus(["Smith", "Jones", "Maier"], np.array([4, 4, 6]))
    other = Corpus(["SMITH", "Maier"], np.array([4, 3]))
    assert same(without(ours, other), Corpus(["Jones"], np.array([4])))
