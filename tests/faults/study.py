"""A finished small study that is broken, run again, and compared with what it was."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml
from support.projects import Project

from surnames.core.digests import digest

TRACEBACK = "Traceback (most recent call last)"
SECONDS = 20  # for the processes of a killed command to end


@dataclass
class Outcome:
    """One attempt; what is not right in it is counted by kind."""

    kind: str
    name: str
    said: str = ""  # the last line
    faults: list[str] = field(default_factory=list)


class Study:
    """The project with what its results must be."""

    def __init__(self, project: Project) -> None:
        self.project, self.folder = project, project.folder
        self.wanted = self.state()

    def state(self) -> dict[str, str]:
        """The digests of dvc.lock and of all that it names."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]
        paths = ["dvc.lock", *(out["path"] for one in lock.values() for out in one["outs"])]
        return {path: digest(self.folder / path) for path in paths}

    def forget(self, stage: str) -> None:
        """Remove what a stage wrote, here and in DVC's cache, so that it must run again."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]
        for out in lock[stage]["outs"]:
            place = self.folder / out["path"]
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
            kept = self.folder / ".dvc/cache/files/md5" / out["md5"][:2] / out["md5"][2:]
            kept.unlink(missing_ok=True)
        shutil.rmtree(self.folder / ".dvc/cache/runs", ignore_errors=True)

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Exit status and output of a command, in a process group of its own."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        printed, _ = process.communicate()
        return process.returncode, printed

    def environment(self) -> dict[str, str]:
        ours = ("SURNAMES_", "DVC_", "MLFLOW_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return kept | self.project.code | {"SURNAMES_WORKERS": "2", "DVC_NO_ANALYTICS": "1"}

    def orphans(self) -> list[int]:
        """Processes that still work in the folder some seconds after their command has ended."""
        deadline = time.monotonic() + SECONDS
        while True:
            left = []
            for process in psutil.process_iter(["cwd"]):
                if (process.info["cwd"] or "").startswith(str(self.folder)):
                    left.append(process.pid)
            if not left or time.monotonic() > deadline:
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                return left
            time.sleep(0.1)

    def compare(self, outcome: Outcome, command: tuple[str, ...]) -> None:
        """Run the command again: it must finish and give what there was before it all."""
        status, printed = self.run(*command)
        if TRACEBACK in printed:
            outcome.faults.append("traceback")
        if status:
            outcome.faults.append("blocked")
            outcome.said = printed.strip().splitlines()[-1] if printed.strip() else ""
            return
        now = self.state()
        if now != self.wanted:
            outcome.faults.append("lost")
            changed = [path for path in self.wanted if now.get(path) != self.wanted[path]]
            outcome.said = f"differs: {', '.join(changed[:3])}"
        status, printed = self.run("surnames", "verify")
        if status:
            doubled = any(line.startswith("double") for line in printed.splitlines())
            outcome.faults.append("double" if doubled else "lost")
            outcome.said = next(
                (line for line in printed.splitlines() if not line.startswith("present")), ""
            )
        if left := list(self.folder.rglob(".*.tmp")):
            outcome.faults.append("leftover")
            outcome.said = str(left[0].relative_to(self.folder))


def last_line(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""


def fresh(project: Project, folder: Path) -> Study:
    """A copy of a finished study."""
    return Study(project.copy(folder))
