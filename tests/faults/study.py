"""A finished small study that is broken, run again, and compared with what it was."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
import yaml
from support.projects import Project

from surnames.core.digests import digest

STRIKE = Path(__file__).parent / "strike"
TRACEBACK = "Traceback (most recent call last)"
SECONDS = 25  # for the processes of a killed command to end
LONGEST = 600  # seconds of a command
PLACES = ("data", "results", "reports", "mlflow", "README.md", "docs", "dvc.lock", "owned")
STORE = {
    "run": "select t.value from runs r join tags t on t.run_uuid = r.run_uuid where t.key ="
    " 'surnames.fingerprint' and r.lifecycle_stage = 'active' and r.status = 'FINISHED'",
    "version": "select t.value from model_versions v join model_version_tags t on t.name = v.name"
    " and t.version = v.version where t.key = 'surnames.fingerprint'"
    " and v.current_stage != 'Deleted_Internal'",
    "alias": "select alias from registered_model_aliases",
}


@dataclass
class Outcome:
    """One attempt; what is not right in it is counted by kind."""

    kind: str
    name: str
    said: str = ""  # the last line
    faults: list[str] = field(default_factory=list)

    def fault(self, kind: str, said: str) -> None:
        """Note what is wrong."""
        self.faults.append(kind)
        self.said = said


class Study:
    """The project with what its results must be."""

    def __init__(self, project: Project) -> None:
        self.project, self.folder = project, project.folder
        self.wanted, self.stored = self.state(), self.store()
        self.lend_environment()

    def lend_environment(self) -> None:
        """Let `make` believe that the environment of this process was made here."""
        (self.folder / ".venv").mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (self.folder / ".venv/bin").symlink_to(Path(sys.executable).parent)
        (self.folder / ".venv/ready").write_text(f"{self.folder.resolve()}\n")

    def state(self) -> dict[str, str]:
        """The digests of all that dvc.lock names, of dvc.lock itself and of the documents."""
        text = (self.folder / "dvc.lock").read_text()
        lock = (yaml.safe_load(text) or {}).get("stages", {})
        paths = [out["path"] for one in lock.values() for out in one["outs"]]
        paths += ["README.md", "docs/findings.md"]
        there = [path for path in paths if (self.folder / path).exists()]
        return {path: digest(self.folder / path) for path in there} | {"dvc.lock": text}

    def store(self) -> list[tuple[str, str]]:
        """The runs, versions and aliases that MLflow's store has, asked behind MLflow's back."""
        try:
            with sqlite3.connect(f"file:{self.folder}/mlflow/mlflow.db?mode=ro", uri=True) as store:
                rows = [(kind, row[0]) for kind, q in STORE.items() for row in store.execute(q)]
            store.close()
        except sqlite3.Error as error:
            rows = [("store", str(error))]
        return sorted(rows)

    def touched(self) -> dict[str, tuple[int, int]]:
        """When each file of the study was last written, and its size."""
        files = [path for place in PLACES for path in (self.folder / place).rglob("*")]
        files += [self.folder / place for place in PLACES]
        every = [(path, path.stat()) for path in files if path.is_file()]
        return {str(path): (found.st_mtime_ns, found.st_size) for path, found in every}

    def forget(self, stage: str) -> None:
        """Remove what a stage wrote, here and in DVC's cache, so that it must run again.

        Of `track` that is the whole store.
        """
        if stage == "track":
            shutil.rmtree(self.folder / "mlflow", ignore_errors=True)
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]
        shared = {out["md5"] for key in lock for out in lock[key]["outs"] if key != stage}
        for out in lock[stage]["outs"]:
            place = self.folder / out["path"]
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
            if out["md5"] in shared:
                continue
            kept = self.folder / ".dvc/cache/files/md5" / out["md5"][:2] / out["md5"][2:]
            kept.unlink(missing_ok=True)
        for run in (self.folder / ".dvc/cache/runs").glob("*/*/*"):
            if yaml.safe_load(run.read_text())["cmd"] == lock[stage]["cmd"]:
                run.unlink()

    def run(self, *command: str, seconds: float = LONGEST, **environment: str) -> tuple[int, str]:
        """Exit status and output of a command, in a process group of its own."""
        with tempfile.TemporaryFile("w+", errors="replace") as output:  # a pipe waits for orphans
            process = self.begin(command, output, environment)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            return process.returncode, output.read()

    def begin(
        self, command: Sequence[str], output: IO[str], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        """Start a command in the folder, in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def struck(self, **order: object) -> dict[str, str]:
        """The environment in which a stage announces itself and is struck; see strike/."""
        place = self.folder / ".dvc/tmp/journal"
        for left in (place, Path(f"{place}.struck")):
            left.unlink(missing_ok=True)
        return {
            "PYTHONPATH": f"{STRIKE}{os.pathsep}{self.folder / 'src'}",
            "SURNAMES_STRIKE": json.dumps(order | {"journal": str(place)}),
        }

    def journal(self) -> list[str]:
        """What has been announced, which is then forgotten."""
        place = self.folder / ".dvc/tmp/journal"
        lines = place.read_text().splitlines() if place.exists() else []
        place.unlink(missing_ok=True)
        return lines

    def environment(self) -> dict[str, str]:
        """As a user has it who has activated the environment, and who does not know of this one."""
        ours = ("SURNAMES_", "DVC_", "MLFLOW_", "PYTEST_", "MAKE", "MFLAGS")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        more = {"PATH": path, "SURNAMES_WORKERS": "2", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        return kept | self.project.code | more | {"DVC_NO_ANALYTICS": "1"}

    def orphans(self) -> list[int]:
        """Processes that still work in the folder some seconds after their command has ended."""
        deadline = time.monotonic() + SECONDS
        while True:
            left = []
            for process in psutil.process_iter(["cwd", "status"]):
                inside = (process.info["cwd"] or "").startswith(f"{self.folder}")
                if inside and process.info["status"] != psutil.STATUS_ZOMBIE:
                    left.append(process.pid)
            if not left or time.monotonic() > deadline:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return left
            time.sleep(0.1)

    def mend(self, command: tuple[str, ...] = ("surnames", "repro")) -> tuple[int, str]:
        """Run a command to its end, and put dvc.lock in order: plain DVC appends."""
        status, printed = self.run(*command)
        if command[0] == "dvc" and not status:
            code = "from surnames import dvc_repo; dvc_repo.sort_lock()"
            self.run(sys.executable, "-c", code)
        return status, printed

    def compare(
        self,
        outcome: Outcome,
        command: tuple[str, ...] = ("surnames", "repro"),
        *,
        whole: bool = False,
        **environment: str,
    ) -> None:
        """Run the command again: it must finish and give what there was before it all.

        `whole`: `surnames verify` is asked, too; it takes some seconds.
        """
        status, printed = self.run(*command, **environment)
        if TRACEBACK in printed and (status or command[0] != "dvc"):
            outcome.fault("traceback", last_line(printed))
        if status:
            outcome.fault("blocked", last_line(printed))
            return
        if command[0] == "dvc":
            self.run(sys.executable, "-c", "from surnames import dvc_repo; dvc_repo.sort_lock()")
        now = self.state()
        if now != self.wanted:
            paths = sorted(now.keys() | self.wanted.keys())
            changed = [path for path in paths if now.get(path) != self.wanted.get(path)]
            outcome.fault("lost", f"differs: {', '.join(changed[:3])}")
        stored = self.store()
        if len(stored) != len(set(stored)):
            outcome.fault("double", str([one for one in stored if stored.count(one) > 1][:2]))
        elif stored != self.stored:
            outcome.fault("lost", f"the store: {set(stored) ^ set(self.stored)}"[:160])
        if whole:
            status, printed = self.run("surnames", "verify")
            wrong = [line for line in printed.splitlines() if not line.startswith("present")]
            if status:
                outcome.fault("lost", f"verify: {' | '.join(wrong[2:5])}"[:200])
        left = [one.relative_to(self.folder) for one in self.folder.rglob(".*.tmp")]
        if left := [
            one for one in left if one.parts[0] not in (".venv", ".dvc")
        ]:  # DVC has its own
            outcome.fault("leftover", str(left[0]))


@dataclass(frozen=True)
class Attempt:
    """Something that a study has to survive."""

    name: str
    run: Callable[[Study], Iterable[Outcome]]


def last_line(printed: str) -> str:
    """The last line that is not empty."""
    lines = [line for line in printed.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def fresh(project: Project, folder: Path) -> Study:
    """A copy of a finished study."""
    return Study(project.copy(folder))


def judge(outcome: Outcome, status: int, printed: str) -> None:
    """One message, and 1 or 2."""
    if TRACEBACK in printed:
        outcome.fault("traceback", said(printed))
    if status not in (0, 1, 2):
        outcome.fault("status", f"{status}: {said(printed)}")


def said(printed: str) -> str:
    """The error, or else the last line."""
    errors = [line for line in printed.splitlines() if line.lower().startswith("error:")]
    return errors[-1][:250] if errors else last_line(printed)
