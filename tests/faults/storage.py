"""Files that are damaged or missing, and disks that take no more."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.study import TRACEBACK, Outcome, Study, last_line

WEIGHTS = "results/runs/held_out/fixed/weights.safetensors"
Break = Callable[[Path], None]


def write(name: str, content: bytes) -> Break:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def half(name: str) -> Break:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


def gone(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def flipped(name: str, cached: bool) -> Break:
    """A bit of a file, or of its copy in DVC's cache, which is then laid out."""

    def change(folder: Path) -> None:
        from surnames.core.digests import digest

        value = digest(folder / name)
        place = folder / ".dvc/cache/files/md5" / value[:2] / value[2:] if cached else folder / name
        place.chmod(0o644)
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 1
        place.write_bytes(content)
        place.chmod(0o444 if cached else 0o644)
        if cached:
            (folder / name).unlink()

    return change


def schema(folder: Path) -> None:
    with sqlite3.connect(folder / "mlflow/mlflow.db") as store:
        store.execute("update alembic_version set version_num = 'ffffffffffff'")


BREAKS: dict[str, Break] = {
    "half of the weights": half(WEIGHTS),
    "no weights": gone(WEIGHTS),
    "a bit of the weights": flipped(WEIGHTS, cached=False),
    "a bit of the weights in the cache": flipped(WEIGHTS, cached=True),
    "a bit of a split in the cache": flipped("data/splits/held_out.csv", cached=True),
    "half of a split": half("data/splits/held_out.csv"),
    "no names": gone("data/normalized/names.csv"),
    "half of a language": half("data/raw/Irish.txt"),
    "an empty table": write("results/summary.csv", b""),
    "half of the ledger": half("results/claims.json"),
    "a garbled table of scores": write("results/runs/held_out/fixed/metrics.json", b"\xff{"),
    "no report": gone("reports/index.html"),
    "half of the list of locks": write(".dvc/tmp/rwlock", b'{"write": {"a": {"pi'),
    "locks of processes that are gone": write(
        ".dvc/tmp/rwlock", b'{"write": {"x": {"pid": 1, "cmd": "dvc repro"}}, "read": {}}'
    ),
    "no receipt": gone("mlflow/receipt.json"),
    "half of a receipt": half("mlflow/receipt.json"),
    "a store of garbage": write("mlflow/mlflow.db", b"garbage" * 1000),
    "half of a store": half("mlflow/mlflow.db"),
    "an empty store": write("mlflow/mlflow.db", b""),
    "no store": gone("mlflow/mlflow.db"),
    "a store of another MLflow": schema,
}
FULL = ("fetch", "split", "train@held_out-fixed", "evaluate@held_out-fixed", "report")


def run(study: Study, seed: int, count: int | None = None) -> Iterator[Outcome]:
    """Break something, run `surnames repro`, do what it says, and compare."""
    for name, change in list(BREAKS.items())[:count]:
        outcome = Outcome("storage", name)
        change(study.folder)
        status, printed = study.run("surnames", "repro")
        outcome.said = last_line(printed) if status else "made again"
        if TRACEBACK in printed:
            outcome.faults.append("traceback")
        if status and "surnames rebuild" in printed:
            study.run("surnames", "rebuild")
        study.compare(outcome, ("surnames", "repro"))
        yield outcome
    for stage in FULL[: None if count is None else 1]:
        outcome = Outcome("storage", f"a full disk in {stage}")
        study.forget(stage)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))  # children have it, too
        try:
            status, printed = study.run("dvc", "repro", "-s", stage)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        outcome.said = last_line(printed)
        if not status:
            outcome.faults.append("not reached")
        if "pipeline/" in printed and TRACEBACK in printed:
            outcome.faults.append("traceback")
        study.compare(outcome, ("surnames", "repro"))
        yield outcome
