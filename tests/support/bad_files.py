"""Wrong params.yaml and claims.yaml files: what is edited, and words that the refusal must have."""

from dataclasses import dataclass

PARAMS, CLAIMS = "params.yaml", "claims.yaml"


@dataclass(frozen=True)
class Bad:
    """An edit of the study's own file: the first `old` becomes `new`; "" stands for all of it."""

    name: str
    file: str
    old: str
    new: str
    words: tuple[str, ...] = ()  # of the refusal, beside the file's name
    encoding: str = "utf-8"

    def edited(self, text: str) -> bytes:
        """The file's content with the fault in it."""
        assert self.old in text, f"{self.file} has no {self.old!r}"
        edited = text.replace(self.old, self.new, 1) if self.old else self.new
        return edited.encode(self.encoding, "surrogateescape")


def _numbers() -> list[Bad]:
    """Every number of params.yaml as what it must not be."""
    present = {
        "study.seed": "seed: 20261125",
        "study.margin": "margin: 0.02",
        "protocols.published.replicates": "replicates: 10",
        "protocols.held_out.repetitions": "repetitions: 4",
        "study.confidence": "confidence: 0.95",
        "protocols.held_out.folds": "folds: 5",
        "protocols.random_split.held_out_share": "held_out_share: 0.2",
        "recipes.online.hidden_size": "hidden_size: 128",
        "recipes.online.learning_rate": "learning_rate: 0.005",
        "recipes.online.steps": "steps: 100000",
        "fetch.silence": "silence: 10",
        "fetch.megabytes": "megabytes: 64",
    }
    wrong = ("-1", "1.0e+300", "2" * 400, ".nan", "true", "'7'", "null", "[]", "{}")
    cases = []
    for place, text in present.items():
        key = text.split(":")[0]
        for value in wrong:
            words = () if len(value) > 99 else (place,)  # a number so long is not read at all
            cases.append(Bad(f"{place}={value:.9}", PARAMS, text, f"{key}: {value}", words))
    return cases


def _claim(name: str, old: str, new: str, *words: str) -> Bad:
    return Bad(f"claims: {name}", CLAIMS, old, new, words)


def _param(name: str, old: str, new: str, *words: str) -> Bad:
    return Bad(name, PARAMS, old, new, words)


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n"
    for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
ANYWHERE = {
    "empty": "",
    "one word": "word",
    "a list": "- 1\n- 2\n",
    "a list as a key": "? [a, b]\n: 1\n",
    "deep brackets": "a: " + "[" * 5000,
    "deep braces": "a: " + "{a: " * 5000,
    "a number of 5,000 digits": f"a: {'9' * 5000}\n",
    "aliases of aliases": ALIASES,
    "10 MB": "a: 1\n" * 2_000_000,
    "a conflict": "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n",
    "a tab": "a:\n\tb: 1\n",
    "a tag": "a: !!python/object/apply:os.system [id]\n",
    "NUL": "a: \0\n",
    "an open quote": 'a: "b\n',
    "an open bracket": "a: [1, 2\n",
    "a key twice": "a: 1\na: 2\n",
    "an alias of nothing": "a: *b\n",
    "two documents": "a: 1\n---\na: 2\n",
    "a date as a key": "2026-11-25: 1\n",
    "bytes": "a: !!binary aGVsbG8=\n",
    "a picture": "\udc89PNG\r\n\x1a\n\0\0\0",
    "Latin-1": "a: M\udcfcller\n",
    "a conflict of three": "<<<<<<< ours\na: 2\n||||||| base\n=======\n>>>>>>> theirs\n",
    "a conflict, CRLF": "<<<<<<< HEAD\r\na: 1\r\n=======\r\na: 2\r\n>>>>>>> other\r\n",
    "an alias of itself": "a: &a [*a]\n",
    "merged into itself": "a: &a {<<: *a}\n",
    "an anchor twice over": "a: &a 1\nb: [*a, *c]\n",
    "a key of null": "~: 1\n",
    "a directive": "%YAML 3.0\n---\na: 1\n",
    "a control in a key": '"a\\u202eb": 1\n',
    "blank": " \n\n",
    "a comment": "# nothing\n",
}
TERM = "- [1, "
FILES = (PARAMS, CLAIMS)
ROW = """\
  - id: new
    claim: It is so.
    sources: [{name: x}]
    terms: [[1, held_out-fixed, accuracy]]
    more_than: 0
    expect: supported
"""
HIDDEN = {  # escapes of characters in claim texts, and the number that the refusal names
    "\\x1b[31m": "U+001B", "\\x7f": "U+007F", "\\x85": "U+0085", "\\u00ad": "U+00AD",
    "\\u034f": "U+034F", "\\u115f": "U+115F", "\\u200d": "U+200D", "\\u200f": "U+200F",
    "\\u2028": "U+2028", "\\u2060": "U+2060", "\\u2066": "U+2066", "\\u2800": "U+2800",
    "\\u3164": "U+3164", "\\ufe0f": "U+FE0F", "\\ufeff": "U+FEFF", "\\ufff9": "U+FFF9",
    "\\U000e0041": "U+E0041", "\\r\\n": "U+000D", "\\t": "U+0009", "\\u00a0": "U+00A0",
}  # fmt: skip
BAD = [
    *_numbers(),
    *(Bad(f"params: {name}", PARAMS, "", text) for name, text in ANYWHERE.items()),
    *(Bad(f"claims: {name}", CLAIMS, "", text) for name, text in ANYWHERE.items()),
    _param("a percentage", "confidence: 0.95", "confidence: 95", "study.confidence", "got 95"),
    _param("one fold", "folds: 5", "folds: 1", "protocols.held_out.folds"),
    _param("no unit", "hidden_size: 128", "hidden_size: 0", "recipes.online.hidden_size"),
    _param("a million million steps", "steps: 100000", f"steps: {10**12}", "recipes.online.steps"),
    _param("too large for 64 bits", "steps: 100000", f"steps: {2**63}", "recipes.online.steps"),
    _param("all held out", "held_out_share: 0.2", "held_out_share: 0.9999999999", "held_out_share"),
    _param(
        "a shell command", "architecture: fixed", "architecture: 'x;touch owned'", "architecture"
    ),
    _param("a folder above", "architecture: fixed", "architecture: ..", "architecture"),
    _param(
        "another language's letters", "architecture: fixed", "architecture: fіxed", "architecture"
    ),
    _param("an architecture of nobody", "architecture: fixed", "architecture: lstm", "lstm"),
    _param("a family of nobody", "family: elman", "family: elmann", "elmann"),
    _param("another family", "family: elman", "family: majority", "majority"),
    _param("a recipe of nobody", "recipe: online", "recipe: offline", "offline"),
    _param("a recipe of another kind", "recipe: online", "recipe: count", "count"),
    _param("a protocol of nobody", "protocol: held_out", "protocol: heldout", "protocol"),
    _param("an address that is none", "https://", "javascript:alert(1)//", "fetch.sources"),
    _param("a data set called ..", "name: practical-pytorch", "name: ..", "fetch.name"),
    _claim("a threshold in points", "more_than: 0.0", "more_than: 10", "more_than"),
    _claim("a negative threshold of all", "more_than: 0.0", "more_than: -10", "more_than"),
    _claim("no weight", TERM, "- [0, ", "weight"),
    _claim("a weight that is no number", TERM, "- [.nan, ", "terms"),
    _claim("a weight beyond all", TERM, "- [1.0e+300, ", "weight"),
    _claim("no text", "claim: ", 'claim: "" # ', "claim"),
    _claim("a line break", "claim: ", 'claim: "a\\nb" # ', "claim", "hidden"),
    _claim("text turned around", "claim: ", 'claim: "a\\u202eb" # ', "claim", "U+202E"),
    _claim("nothing to be seen", "claim: ", 'claim: "a\\u200bb" # ', "claim", "U+200B"),
    _claim("a bell", "claim: ", 'claim: "a\\ab" # ', "claim", "U+0007"),
    _claim("a script for an address", 'url: "https', 'url: "javascript', "url"),
    _claim("an address that ends a link", 'url: "https://', 'url: "https://a)](b', "url"),
    _claim("a run of nobody", "held_out-fixed", "held_out-broken", "held_out-broken"),
    _claim("a metric of nobody", "macro_recall]", "macro_recoil]", "macro_recoil"),
    _claim("a verdict of nobody", "expect: supported", "expect: maybe", "expect"),
    *(
        _claim(f"{number} in a text", "claim: ", f'claim: "a{code}b" # ', ".claim: ", number)
        for code, number in HIDDEN.items()
    ),
    *(
        _claim(f"{number} in a source", "{name: the ", f'{{name: "a{code}b"}} # ', "name", number)
        for code, number in HIDDEN.items()
    ),
    *(Bad(f"{file} in UTF-16", file, "a", "a", ("not UTF-8",), "utf-16") for file in FILES),
    _param("more steps than fit", "steps: 100000", f"steps: {10**9}", "recipes.online.steps"),
    _param("a great rate", "learning_rate: 0.005", "learning_rate: 1.0e+300", "1000"),
    _param("many passes", "passes: 1000", f"passes: {10**12}", "recipes.ngram.passes"),
    _param(
        "no penalty", "inverse_regularization: 1.0", "inverse_regularization: 1.0e+300", "ngram"
    ),
    _param("long n-grams", "longest: 4", "longest: 40", "recipes.ngram.longest"),
    _param("balanced by a word", "balanced: true", "balanced: 'yes'", "recipes.ngram.balanced"),
    _param("many replicates", "replicates: 10", "replicates: 100000", "protocols.published"),
    _param("a wide seed", "seed: 20261125", f"seed: {2**63}", "study.seed"),
    _param("a gigabyte of names", "megabytes: 64", "megabytes: 1000000", "fetch.megabytes"),
    _param("an hour too long", "seconds: 120", "seconds: 1.0e+9", "fetch.seconds"),
    _param("silence for ever", "silence: 10 ", "silence: 1.0e+9 ", "fetch.silence"),
    _param("an identity in capitals", "identity: b", "identity: B", "fetch.identity"),
    _param("what no fetch can", "starter  ", "retry  ", "fetch.when_unreachable", "retry"),
    _param("a hidden line that is no name", "[To The First Page]", '["a\\u202eb"]', "not_names"),
    _param("an unknown section", "study:", "studies: {}\nstudy:", "studies"),
    _param("no section", "study:", "studies:", "study is missing"),
    _param("a name with a capital", "  fixed: {}", "  Fixed: {}", "architectures.Fixed"),
    _param(
        "an architecture that only stands there", "  fixed: {}", "  fixed: {}\n  lstm: {}", "lstm"
    ),
    _param(
        "what it does differently", "  fixed: {}", "  fixed: {rate: 1}", "architectures.fixed.rate"
    ),
    _param(
        "a fault of one architecture", "  fixed: {}", "  fixed: {steps: 0}", "architectures.fixed"
    ),
    _param("no method", "method: sgd, ", "", "recipes.online", "method"),
    _param("a method of nobody", "method: sgd", "method: adam", "recipes.online", "adam"),
    _param("a key of another method", "method: counting", "method: counting, steps: 1", "counting"),
    _param("an engine of nobody", "engine: online", "engine: gpu", "recipes.online", "gpu"),
    _param("a run called an option", "  published-majority:", "  -published-majority:", "runs"),
    _param("a run with a space", "  published-majority:", "  published majority:", "runs"),
    _param("a run twice", "  published-majority:", "  published-fixed:", "duplicate key"),
    _param("a run named within", "{protocol: published,", "{name: a, protocol: published,", "name"),
    _param("a run of another's parts", "architecture: tanh_only", "architecture: fixed", "fixed"),
    _param("a family above", "family: elman", "family: ../elman", "family"),
    _param("no run", "", "runs: {}\n", "runs"),
    _claim("a weight of truth", TERM, "- [true, ", "terms"),
    _claim("a weight in words", TERM, "- ['1', ", "terms"),
    _claim("a weight without end", TERM, "- [.inf, ", "terms"),
    _claim("a weight of almost nothing", TERM, "- [1.0e-300, ", "weight"),
    _claim(
        "a term without a metric",
        "[1, held_out-fixed, macro_recall]",
        "[1, held_out-fixed]",
        "terms",
    ),
    _claim("white space", "claim: ", "claim: '  ' # ", "claim"),
    _claim("a text as long as a page", "claim: ", f"claim: '{'a' * 1000}' # ", "claim"),
    _claim("a threshold without end", "more_than: 0.0", "more_than: .inf", "more_than"),
    _claim("no threshold", "more_than: 0.0", "less_than: 0.0", "more_than"),
    _claim("an id with a space", "- id: ", "- id: a b # ", "id"),
    _claim("an id that ends a link", "- id: ", "- id: 'a)(b' # ", "id"),
    _claim("a recall of no language", "macro_recall]", "recall/Elvish]", "recall/Elvish"),
    *(
        _claim(f"another {key}", "claims:", f"claims:\n{ROW}".replace(*edit), key)
        for key, edit in {
            "terms": ("[[1, held_out-fixed, accuracy]]", "[]"),
            "sources": ("[{name: x}]", "[]"),
            "more_than": ("more_than: 0", "more_than: 1.5"),
            "id": ("id: new", "id: new\n    id: old"),
        }.items()
    ),
    _claim("an id twice", "claims:", f"claims:\n{ROW}{ROW}", "earlier claim"),
    _claim(
        "a term twice",
        "claims:",
        f"claims:\n{ROW}".replace("accuracy]", "accuracy], [2, held_out-fixed, accuracy]"),
        "already",
    ),
    _claim(
        "points of a log loss",
        "claims:",
        f"claims:\n{ROW}".replace("accuracy", "log_loss").replace("more_than: 0", "more_than: 30"),
        "never true",
    ),
]
