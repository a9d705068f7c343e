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

    def edited(self, text: str) -> str:
        """The file's text with the fault in it."""
        assert self.old in text, f"{self.file} has no {self.old!r}"
        return text.replace(self.old, self.new, 1) if self.old else self.new


def _numbers() -> list[Bad]:
    """Every number of params.yaml as what it must not be."""
    present = {
        "study.seed": "seed: 1",
        "study.replicates": "replicates: 10",
        "study.confidence": "confidence: 0.95",
        "protocols.held_out.folds": "folds: 5",
        "protocols.random_split.held_out_share": "held_out_share: 0.15",
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
}
TERM = "[1, "
BAD = [
    *_numbers(),
    *(Bad(f"params: {name}", PARAMS, "", text) for name, text in ANYWHERE.items()),
    *(Bad(f"claims: {name}", CLAIMS, "", text) for name, text in ANYWHERE.items()),
    _param("a percentage", "confidence: 0.95", "confidence: 95", "study.confidence", "got 95"),
    _param("one fold", "folds: 5", "folds: 1", "protocols.held_out.folds"),
    _param("no unit", "hidden_size: 128", "hidden_size: 0", "recipes.online.hidden_size"),
    _param("a million million steps", "steps: 100000", f"steps: {10**12}", "recipes.online.steps"),
    _param("too large for 64 bits", "steps: 100000", f"steps: {2**63}", "recipes.online.steps"),
    _param(
        "all held out", "held_out_share: 0.15", "held_out_share: 0.9999999999", "held_out_share"
    ),
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
    _claim("no weight", TERM, "[0, ", "weight"),
    _claim("a weight that is no number", TERM, "[.nan, ", "terms"),
    _claim("a weight beyond all", TERM, "[1.0e+300, ", "weight"),
    _claim("no text", "claim: ", 'claim: "" # ', "claim"),
    _claim("a line break", "claim: ", 'claim: "a\\nb" # ', "claim", "hidden"),
    _claim("text turned around", "claim: ", 'claim: "a\\u202eb" # ', "claim", "U+202E"),
    _claim("nothing to be seen", "claim: ", 'claim: "a\\u200bb" # ', "claim", "U+200B"),
    _claim("a bell", "claim: ", 'claim: "a\\ab" # ', "claim", "U+0007"),
    _claim("a script for an address", 'url: "https', 'url: "javascript', "url"),
    _claim("an address that ends a link", 'url: "https://', 'url: "https://a)](b', "url"),
    _claim("a run of nobody", "held_out-fixed", "held_out-broken", "held_out-broken"),
    _claim("a metric of nobody", "macro_recall", "macro_recoil", "macro_recoil"),
    _claim("a verdict of nobody", "expect: supported", "expect: maybe", "expect"),
]
