"""Files that are damaged or missing, and disks that take no more."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults import disks
from faults.study import Attempt, Outcome, Study, judge, said

REPRO, VERIFY = ("surnames", "repro"), ("surnames", "verify")
PREDICT = ("surnames", "predict", "Smith")
WEIGHTS = "results/runs/held_out/fixed/weights.safetensors"
NAMED = re.compile(r"`((?:surnames|make|dvc|git|rm) ?[^`]*)`")
Break = Callable[[Path], None]


@dataclass(frozen=True)
class Damage:
    """What is broken, the command that meets it, and whether that may end well at once."""

    name: str
    change: Break
    command: tuple[str, ...] = REPRO
    words: str = ""  # of the message
    environment: tuple[tuple[str, str], ...] = ()


def write(name: str, content: bytes) -> Break:
    """A file of that content."""

    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)

    return change


def half(name: str) -> Break:
    """The first half of a file."""
    return lambda folder: write(
        name, (half_of := (folder / name).read_bytes())[: len(half_of) // 2]
    )(folder)


def gone(name: str) -> Break:
    """No such file or folder."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()

    return change


def flipped(name: str, *, cached: bool, laid_out: bool = False) -> Break:
    """A bit of a file, or of its copy in DVC's cache, which is then laid out by DVC."""

    def change(folder: Path) -> None:
        from surnames.core.digests import digest

        value = digest(folder / name)
        place = folder / ".dvc/cache/files/md5" / value[:2] / value[2:] if cached else folder / name
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 1
        place.chmod(0o644)
        place.write_bytes(content)
        place.chmod(0o444 if cached else 0o644)
        if cached and not laid_out:
            gone(name)(folder)

    return change


def conflict(name: str) -> Break:
    """As git leaves a file that two branches have changed."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        middle = text.index("\n", len(text) // 2) + 1
        marks = f"<<<<<<< HEAD\n{text[middle:]}=======\n{text[middle:]}>>>>>>> other\n"
        (folder / name).write_text(text[:middle] + marks)

    return change


def statement(sql: str) -> Break:
    """The store after somebody's hand."""

    def change(folder: Path) -> None:
        with sqlite3.connect(folder / "mlflow/mlflow.db") as store:
            store.execute(sql)
        store.close()

    return change


def a_locks_entry(process: int) -> Break:
    """DVC's list of locks with one that a process holds, or has held."""
    entry = f'{{"pid": {process}, "cmd": "dvc repro"}}'
    return write(".dvc/tmp/rwlock", f'{{"write": {{"x": {entry}}}, "read": {{}}}}'.encode())


SCHEMA = statement("update alembic_version set version_num = 'ffffffffffff'")
LIST = "results/runs/held_out/fixed/evaluation"
DAMAGES = [
    Damage("half of the weights", half(WEIGHTS)),
    Damage("half of the weights, asked for a name", half(WEIGHTS), PREDICT),
    Damage("no weights", gone(WEIGHTS)),
    Damage("no weights, asked for a name", gone(WEIGHTS), PREDICT),
    Damage("no weights, verified", gone(WEIGHTS), VERIFY),
    Damage("a bit of the weights", flipped(WEIGHTS, cached=False)),
    Damage("a bit of the weights, asked for a name", flipped(WEIGHTS, cached=False), PREDICT),
    Damage("a bit of the weights, verified", flipped(WEIGHTS, cached=False), VERIFY),
    Damage("a bit of the weights in the cache", flipped(WEIGHTS, cached=True)),
    Damage("a bit of the weights in the cache, verified", flipped(WEIGHTS, cached=True), VERIFY),
    Damage("a bit of the cache alone", flipped(WEIGHTS, cached=True, laid_out=True)),
    Damage("a bit of a split in the cache", flipped("data/splits/held_out.csv", cached=True)),
    Damage("a bit of a folder's list in the cache", flipped(LIST, cached=True)),
    Damage("half of a split", half("data/splits/held_out.csv")),
    Damage("no names", gone("data/normalized/names.csv")),
    Damage("no folder of names", gone("data/raw")),
    Damage("no word of the gate", gone("data/gate.txt")),
    Damage("half of a language", half("data/raw/Irish.txt")),
    Damage("an empty table", write("results/summary.csv", b"")),
    Damage("an empty table, asked for a name", write("results/summary.csv", b""), PREDICT),
    Damage("half of the ledger", half("results/claims.json")),
    Damage("half of the ledger, printed", half("results/claims.json"), ("surnames", "claims")),
    Damage("no results at all", gone("results")),
    Damage("a garbled table", write("results/runs/held_out/fixed/metrics.json", b"\xff{")),
    Damage("no report", gone("reports/index.html")),
    Damage("no cache", gone(".dvc/cache")),
    Damage("half of the list of locks", write(".dvc/tmp/rwlock", b'{"write": {"a": {"pi')),
    Damage("an empty list of locks", write(".dvc/tmp/rwlock", b"")),
    Damage("locks of a process that is gone", a_locks_entry(2**22 + 7)),
    Damage("locks of another program", a_locks_entry(1)),
    Damage("nothing in dvc.lock", write("dvc.lock", b"")),
    Damage("nothing in dvc.lock, verified", write("dvc.lock", b""), VERIFY),
    Damage("garbage in dvc.lock", write("dvc.lock", b"\xff\xfe\0garbage: [")),
    Damage("half of dvc.lock", half("dvc.lock")),
    Damage("a conflict in dvc.lock", conflict("dvc.lock")),
    Damage("a conflict in dvc.lock, verified", conflict("dvc.lock"), VERIFY),
    Damage("a conflict in dvc.lock, rebuilt", conflict("dvc.lock"), ("surnames", "rebuild")),
    Damage("no dvc.lock", gone("dvc.lock")),
    Damage("a conflict in params.yaml", conflict("params.yaml")),
    Damage("a conflict in claims.yaml", conflict("claims.yaml")),
    Damage("no receipt", gone("mlflow/receipt.json")),
    Damage("half of a receipt", half("mlflow/receipt.json")),
    Damage("a store of garbage", write("mlflow/mlflow.db", b"garbage" * 1000)),
    Damage("a store of garbage, verified", write("mlflow/mlflow.db", b"garbage" * 1000), VERIFY),
    Damage("half of a store", half("mlflow/mlflow.db")),
    Damage("an empty store", write("mlflow/mlflow.db", b"")),
    Damage("no store", gone("mlflow/mlflow.db")),
    Damage("no store, verified", gone("mlflow/mlflow.db"), VERIFY),
    Damage("no folder of the store", gone("mlflow")),
    Damage("a store of another MLflow", SCHEMA),
    Damage("a store of another MLflow, verified", SCHEMA, VERIFY),
    Damage(
        "a store of another MLflow, asked for a name", SCHEMA, (*PREDICT, "--model", "champion")
    ),
    Damage("no artefacts", gone("mlflow/artifacts"), VERIFY),
    Damage("a run's value by hand", statement("update latest_metrics set value = 0.5"), VERIFY),
    Damage("a version by hand", statement("delete from model_version_tags"), VERIFY),
    Damage("no git", gone(".git")),
    Damage(
        "another owner's repository",
        lambda folder: None,
        ("surnames", "diff", "HEAD"),
        "safe.directory",
        environment=(("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"),),
    ),
]


def attempts(seed: int) -> list[Attempt]:
    """Every damage, and disks that take no more."""
    found = [Attempt(one.name, lambda study, one=one: [meet(study, one)]) for one in DAMAGES]
    return found + disks.attempts()


def meet(study: Study, damage: Damage) -> Outcome:
    """One line without a traceback, and the command that it names mends it."""
    outcome = Outcome("storage", damage.name)
    originals = {
        name: (study.folder / name).read_bytes() for name in ("params.yaml", "claims.yaml")
    }
    repository = study.folder.with_name(f"{study.folder.name}.git")
    shutil.copytree(study.folder / ".git", repository)
    damage.change(study.folder)
    status, printed = study.run(*damage.command, **dict(damage.environment))
    outcome.said = said(printed) if status else "works" if damage.command != REPRO else "made again"
    judge(outcome, status, printed)
    if damage.words not in printed:
        outcome.fault("message", said(printed))
    if not (study.folder / ".git").exists():
        shutil.copytree(repository, study.folder / ".git")
    shutil.rmtree(repository)
    for name, content in originals.items():  # which no command can know
        if (study.folder / name).read_bytes() != content:
            (study.folder / name).write_bytes(content)
            status = 0
    if status and not damage.environment:
        _follow(study, outcome, printed, damage.command)
    study.compare(outcome, whole=damage.command != REPRO)
    return outcome


def _follow(study: Study, outcome: Outcome, printed: str, command: tuple[str, ...]) -> None:
    """Run the commands that are named, one after the other, until the first one works."""
    for named in dict.fromkeys(NAMED.findall(printed)):
        judge(outcome, *study.run("bash", "-c", named))
        status, printed = study.run(*command)
        if not status:
            return
    outcome.fault("not mended", outcome.said)
