"""Files that are damaged or missing, and disks that take no more."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faults.study import TRACEBACK, Attempt, Outcome, Study, last_line

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
    stage: str = ""  # made to run again
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
        environment=(("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"),),
    ),
]
FULL = ("gate", "fetch", "split", "train@held_out-fixed", "evaluate@held_out-fixed", "compare",
        "report", "track")  # fmt: skip
WAYS = (REPRO, ("dvc", "repro"))


def attempts(seed: int) -> list[Attempt]:
    """Every damage, and every stage without room."""
    found = [Attempt(one.name, lambda study, one=one: [meet(study, one)]) for one in DAMAGES]
    for number, stage in enumerate(FULL):
        case = partial(too_large, stage=stage, way=WAYS[number % 2])
        found.append(Attempt(f"no room for {stage}", lambda study, case=case: [case(study)]))
    disks = (output_nowhere, full_disk, read_only)
    return found + [
        Attempt(one.__name__, lambda study, one=one: [one(study)])  # type: ignore[misc]
        for one in disks
    ]


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
    _judge(outcome, status, printed)
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


def _judge(outcome: Outcome, status: int, printed: str) -> None:
    """One message, and 1 or 2."""
    if TRACEBACK in printed:
        outcome.fault("traceback", said(printed))
    if status not in (0, 1, 2):
        outcome.fault("status", f"{status}: {said(printed)}")


def _follow(study: Study, outcome: Outcome, printed: str, command: tuple[str, ...]) -> None:
    """Run the commands that are named, one after the other, until the first one works."""
    for named in dict.fromkeys(NAMED.findall(printed)):
        study.run(*shlex.split(named))
        status, printed = study.run(*command)
        if not status:
            return
    outcome.fault("not mended", outcome.said)


def said(printed: str) -> str:
    """The error, or else the last line."""
    errors = [line for line in printed.splitlines() if line.lower().startswith("error:")]
    return errors[-1][:250] if errors else last_line(printed)


def too_large(study: Study, stage: str, way: tuple[str, ...]) -> Outcome:
    """No file may grow beyond some kilobytes: like a full disk, in the middle of a write."""
    outcome = Outcome("storage", f"no room for what {stage} writes, {' '.join(way)}")
    study.forget(stage)
    kept = study.state()
    command = 'ulimit -f 1; exec "$@"'
    status, printed = study.run("bash", "-c", command, "limited", *way)
    outcome.said = said(printed)
    if TRACEBACK in printed and way == REPRO:  # DVC shows its own
        outcome.fault("traceback", said(printed))
    if status and status not in (1, 255):
        outcome.fault("status", f"{status}: {said(printed)}")
    now = study.state()
    if lost := [name for name in kept if name != "dvc.lock" and name not in now]:
        outcome.fault("lost", f"removed: {', '.join(lost[:3])}")
    study.compare(outcome)
    return outcome


def output_nowhere(study: Study) -> Outcome:
    """A device that is always full."""
    outcome = Outcome("storage", "answers to /dev/full")
    status, printed = study.run("bash", "-c", "surnames predict Smith > /dev/full")
    outcome.said = said(printed)
    _judge(outcome, status, printed)
    return outcome


def full_disk(study: Study) -> Outcome:
    """The whole study on a disk of a fixed size, on which a stage must run again."""
    outcome = Outcome("storage", "a full disk")
    place = study.folder.with_name(f"{study.folder.name}-full")
    place.mkdir()
    size = sum(path.stat().st_size for path in study.folder.rglob("*") if path.is_file())
    files = sum(1 for _ in study.folder.rglob("*"))
    options = f"size={size + 4096 * files}"
    if not _mounted("-t", "tmpfs", "-o", options, "none", str(place)):
        outcome.said = "SKIPPED: needs root, to mount a small disk"
        return outcome
    try:
        small = Study(study.project.copy(place / "surnames"))
        small.forget("train@held_out-fixed")
        filler = place / "filler"
        with suppress(OSError), open(filler, "wb") as stream:
            while True:
                stream.write(b"\0" * 4096)
                stream.flush()
        status, printed = small.run(*REPRO)
        outcome.said = said(printed)
        _judge(outcome, status, printed)
        filler.unlink()
        small.compare(outcome, whole=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
    return outcome


def read_only(study: Study) -> Outcome:
    """What only reads, works; what writes says so in a line."""
    outcome = Outcome("storage", "a folder that is read-only")
    place = study.folder.with_name(f"{study.folder.name}-read-only")
    place.mkdir()
    project = study.project.copy(place / "surnames")
    reader = Study(project)
    if not _mounted("--bind", str(place), str(place)) or not _mounted(
        "-o", "remount,bind,ro", str(place)
    ):
        outcome.said = "SKIPPED: needs root, to mount a folder read-only"
        return outcome
    try:
        for command in (VERIFY, PREDICT, (*PREDICT, "--model", "champion"), REPRO):
            status, printed = reader.run(*command)
            _judge(outcome, status, printed)
            if command != REPRO and status:
                outcome.fault("blocked", f"{' '.join(command)}: {said(printed)}")
            outcome.said = outcome.said if outcome.faults else said(printed)
        reader.forget = lambda stage: None  # type: ignore[method-assign]
    finally:
        subprocess.run(["umount", str(place)], check=False)
        subprocess.run(["umount", str(place)], check=False, stderr=subprocess.DEVNULL)
    return outcome


def _mounted(*words: str) -> bool:
    return (
        os.getuid() == 0
        and not subprocess.run(["mount", *words], check=False, stderr=sys.stderr).returncode
    )
