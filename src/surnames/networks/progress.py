"""How far long work has come: a bar in a terminal, a line for each network elsewhere."""

import sys
import time
from threading import Lock

from tqdm import tqdm


class Progress:
    """Counts steps and finished networks of one run; safe to call from several threads."""

    def __init__(self, title: str, networks: int, steps: int) -> None:
        self.title, self.networks = title, networks
        self.done, self.started, self.lock = 0, time.monotonic(), Lock()
        self.bar = tqdm(
            desc=title,
            total=networks * steps,
            unit=" steps",
            unit_scale=True,
            disable=None,
            leave=False,
        )

    def advance(self, steps: int) -> None:
        """So many more steps are done."""
        with self.lock:
            self.bar.update(steps)

    def finished(self, note: str = "") -> None:
        """One more network is done; `note` says what is remarkable about it."""
        with self.lock:
            self.done += 1
            self.bar.set_description(f"{self.title}: {self.done} of {self.networks}")
            seconds = time.monotonic() - self.started
            left = seconds / self.done * (self.networks - self.done)
            line = f"{self.title}: network {self.done} of {self.networks}, {seconds:.1f} s"
            line += f", {left:.0f} s left" if self.done < self.networks else ""
            if self.bar.disable or note:
                tqdm.write(line + note, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        self.bar.close()
