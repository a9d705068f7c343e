"""What the script of every stage does around its work.

DVC takes the digests of a stage's dependencies after its command has ended, so dvc.lock would say
of a file that was changed in the meantime that it made the results (treeverse/dvc#11058). It also
believes of a file that its cache laid out that it is what dvc.lock names. So a stage remembers what
it reads, and fails where that has changed since, or is not what the stage before it wrote.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

import psutil

from surnames.core import errors, files
from surnames.core.digests import digest
from surnames.core.errors import StudyError

LOCK = Path("dvc.lock")
STOP = "SURNAMES_STOP"  # set by `surnames repro` for the stages that DVC begins after Ctrl-C
STAGE = "DVC_STAGE"  # set by DVC
NOT_INPUTS = {".dvc", ".git", ".venv", "__pycache__", "dvc.lock", "mlflow"}
PATIENCE = 10  # seconds for another stage to finish writing dvc.lock


def run(main: Callable[..., None]) -> None:
    """Run a stage's `main` as `errors.run`; under DVC it ends with DVC and checks its inputs.

    Under DVC all stages come after the gate. By hand it is asked first, as another process: what it
    reads is not what this stage depends on.
    """

    @wraps(main)
    def checked(*words: str) -> None:
        inputs = Inputs(Path.cwd())
        main(*words)
        inputs.check()

    @wraps(main)
    def gated(*words: str) -> None:
        script = Path(sys.argv[0])
        gate = script.with_name("gate.py")
        if gate.is_file() and gate != script:
            done = subprocess.run([sys.executable, gate], check=False)
            if done.returncode:
                sys.exit(done.returncode)
        main(*words)

    if STAGE not in os.environ:
        return errors.run(gated)
    if STOP in os.environ:
        sys.exit(128 + signal.SIGINT)
    # DVC and its stages are of one process group, unless DVC was killed while Python began
    if os.getpgid(os.getppid()) != os.getpgrp():
        sys.exit(128 + signal.SIGTERM)
    end_with_parent()
    return errors.run(checked)


def end_with_parent(parent: int = 0, grace: float = 5) -> None:
    """From now on, let this process get SIGTERM when its parent is gone, killed or not.

    `parent` is its number, where it may be gone already. After so many seconds more the process
    ends in any case.
    """
    parent = parent or os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(128 + signal.SIGTERM)  # compiled code did not let the handler run

    threading.Thread(target=wait, daemon=True).start()


def _began() -> float:
    """When this process began, in seconds of the wall clock, to a few hundredths."""
    created = psutil.Process().create_time()
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return created
    # on Linux that is a number of ticks since the boot, whose own time is known to a second only
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - (created - psutil.boot_time())
    return time.time() - age + 0.03


class Inputs:
    """The files of the project that this process reads, each with its digest at that time."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.read: dict[Path, str] = {}  # by path from the project's folder
        for module in [*sys.modules.values()]:
            if source := getattr(module, "__file__", None):
                self._add(source)
        began = _began()
        self.outdated = {
            str(name) for name in self.read if (project / name).stat().st_mtime > began
        }
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python before each of its actions."""
        if event == "open" and isinstance(arguments[0], str) and not arguments[2] & os.O_ACCMODE:
            self._add(arguments[0])

    def _add(self, opened: str) -> None:
        """Note a file, or the source of a compiled module, if it is one of the project's."""
        folder, name = os.path.split(os.path.join(self.project, opened))
        path = Path(os.path.realpath(folder), name)  # a file may be a link into DVC's cache
        if path.suffix == ".pyc":
            path = path.parents[1] / f"{path.name.partition('.')[0]}.py"
        if not path.is_relative_to(self.project):
            return
        file = path.relative_to(self.project)
        if file not in self.read and NOT_INPUTS.isdisjoint(file.parts) and path.is_file():
            self.read[file] = ""  # for the next line opens it
            self.read[file] = digest(path)

    def check(self) -> None:
        """Raises StudyError that names the inputs which changed, or are not what dvc.lock says."""
        read = dict(self.read)
        gone = {str(name) for name, before in read.items() if self._digest(name) != before}
        if changed := sorted(gone | self.outdated):
            raise StudyError(
                f"{', '.join(changed)} changed while {os.environ[STAGE]} ran, so its results are "
                "of neither version; run it again"
            )
        deadline = time.monotonic() + PATIENCE
        while strangers := [name for name in read if is_output(name) and not self._known(name)]:
            if time.monotonic() > deadline:
                listed = ", ".join(map(str, strangers))
                raise StudyError(
                    f"{listed} is not what {LOCK} says: DVC's cache is damaged, or the file was "
                    "changed by hand; `make repro` makes it again"
                )
            time.sleep(0.5)

    def _digest(self, name: Path) -> str:
        path = self.project / name
        return digest(path) if path.is_file() else ""

    def _known(self, name: Path) -> bool:
        """Whether dvc.lock has the digest of a file, or of a folder that holds it."""
        lock = (self.project / LOCK).read_text("utf-8") if (self.project / LOCK).is_file() else ""
        folders = [self.project / folder for folder in name.parents if folder.parts]
        return self.read[name] in lock or any(_of_folder(folder) in lock for folder in folders)


_of_folder = cache(digest)


def is_output(name: Path) -> bool:
    """Whether a stage wrote it."""
    return name.parts[0] in ("data", "results") and not name.is_relative_to(files.STARTER)
