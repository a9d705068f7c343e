"""Sixty-four clients of `surnames serve`, and requests beyond its limits."""

import json
import subprocess
from collections.abc import Iterator

import httpx
import psutil
from support.load import load
from support.servers import await_answer, free_port

from faults.study import Attempt, Outcome, Study

NAMES = ["Satoshi", "Schmidhuber", "O'Néàl", "Ślusàrski", "Jackson", "de la Cruz"]
P99 = 500  # ms
MODELS = ("champion", "fixed")


def attempts(seed: int) -> list[Attempt]:
    """A minute of load for each of two models, and the memory of the largest request."""
    return [Attempt(model, lambda study, model=model: serve(study, model)) for model in MODELS]


def serve(study: Study, model: str, seconds: float = 60) -> Iterator[Outcome]:
    """Ask a server of its own."""
    port = free_port()
    server = subprocess.Popen(
        ["surnames", "serve", "--model", model, "--port", str(port)],
        cwd=study.folder,
        env=study.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        await_answer(f"http://127.0.0.1:{port}/ping", server)
        yield from _asked(f"http://127.0.0.1:{port}/invocations", server.pid, model, seconds)
    finally:
        server.terminate()
        server.wait()


def _asked(address: str, pid: int, model: str, seconds: float) -> Iterator[Outcome]:
    found = load(address, NAMES, seconds=seconds)
    outcome = Outcome("serving", f"64 clients of {model}")
    outcome.said = ", ".join(f"{key} {value:,.0f}" for key, value in found.items())
    outcome.faults += ["lost"] if found["errors"] else []
    outcome.faults += ["slow"] if found["p99"] > P99 else []
    yield outcome

    process = psutil.Process(pid)
    before = process.memory_info().rss
    for name, body, status in (
        ("100,000 names", {"inputs": ["Schmidhuber"] * 100_000}, 200),
        ("a body beyond the limit", {"inputs": ["a" * 50_000_000]}, 413),
    ):
        outcome = Outcome("serving", f"{name}, {model}")
        peak = before
        try:
            with httpx.stream(
                "POST",
                address,
                content=json.dumps(body),
                timeout=600,
                headers={"Content-Type": "application/json"},
            ) as answer:
                for _ in answer.iter_bytes():
                    peak = max(peak, process.memory_info().rss)
            got = answer.status_code
        except httpx.WriteError:  # it answers, and reads no further
            got = 413
        outcome.faults += ["lost"] if got != status else []
        outcome.said = f"status {got}, at most {(peak - before) / 1e6:.0f} MB more"
        yield outcome
