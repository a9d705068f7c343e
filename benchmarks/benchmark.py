"""`make bench`: how fast this is, measured in one run and written to docs/benchmarks.md.

Everything that is compared is measured here and now, in turn, on one core unless it says otherwise;
of repeated measurements the fastest counts, since noise only ever slows down.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tutorial
from numba import njit

from surnames.architectures.elman import Elman
from surnames.core import corpus, files, params, tables
from surnames.data.names import normalize, read_lines
from surnames.display.tables import markdown
from surnames.networks import kernels, online
from surnames.networks.lookup import architectures
from surnames.networks.network import Network, ReplicateStreams, sample_examples
from surnames.study.paths import REPLICATES

PAGE = Path("docs/benchmarks.md")
SURNAMES = str(Path(sys.executable).with_name("surnames"))
HIDDEN = 128
CELLS = {name: row for name, row in architectures().items() if isinstance(row, Elman)}
Rows = list[tuple[object, ...]]


def fastest(work: Callable[[], object], repetitions: int = 3) -> float:
    """Seconds that the fastest of some repetitions takes."""
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def table(header: tuple[str, ...], rows: Rows) -> str:
    """A table in Markdown, numbers right-aligned."""
    return markdown(header, [list(map(str, row)) for row in rows], range(1, len(header)))


def recipe(engine: str, steps: int, hidden: int = HIDDEN) -> params.Sgd:
    """The default recipe with another engine, length or size."""
    return params.Sgd(
        method="sgd", engine=engine, hidden_size=hidden, learning_rate=0.005, steps=steps
    )


def fit(
    cell: str,
    names: corpus.Corpus,
    engine: str,
    steps: int,
    hidden: int = HIDDEN,
    replicate: int = 0,
) -> Network:
    """One network."""
    chance = ReplicateStreams.of(1, "published", replicate)
    return CELLS[cell].fit(names, recipe(engine, steps, hidden), chance, lambda done: None)


def ways(
    name: str, names: corpus.Corpus, by_language: dict[int, list[str]]
) -> list[tuple[Callable[[], object], int]]:
    """The three ways to train a cell, with the number of steps that each takes."""
    cell = CELLS[name]
    fit(name, names, "online", 100)  # what is compiled is compiled before
    network = tutorial.RNN(cell.activation, cell.readout)
    return [
        (lambda: tutorial.train(network, by_language, 1000), 1000),
        (lambda: fit(name, names, "reference", 500), 500),
        (lambda: fit(name, names, "online", 20_000), 20_000),
    ]


def engines(names: corpus.Corpus) -> str:
    """Steps per second of the three ways to train, for each cell, in turn on one core."""
    by_language = tutorial.by_language(names)
    rows: Rows = []
    for name in CELLS:
        seconds = [1e9, 1e9, 1e9]
        for _ in range(3):  # in turn, so that a slow moment of the machine hits all three
            for k, (train, steps) in enumerate(ways(name, names, by_language)):
                seconds[k] = min(seconds[k], fastest(train, 1) / steps)
        loop, reference, ours = seconds
        rates = (f"{1 / each:,.0f}" for each in seconds)
        rows.append((name, *rates, f"{loop / ours:.0f}", f"{reference / ours:.0f}"))
    header = ("architecture", "tutorial-style loop", "reference engine", "online engine")
    header += ("online / tutorial", "online / reference")
    return table(header, rows)


@njit(error_model="numpy")
def _sweep(matrix: np.ndarray, vector: np.ndarray, out: np.ndarray, times: int) -> None:
    for _ in range(times):
        kernels.add_sums(out, 0, matrix, vector, 0, False)


@njit(error_model="numpy")
def _multiply(values: np.ndarray, out: np.ndarray, times: int) -> None:
    a, b = kernels.load(128, values, 0, 0), kernels.load(128, values, 1, 0)
    for _ in range(times):
        a = kernels.fma(a, np.float32(0.999), b)
        b = kernels.fma(b, np.float32(0.999), a)
    kernels.store(out, 0, 0, a)


def machine(names: corpus.Corpus) -> str:
    """What the processor could do, and how near a step of the online engine comes."""
    times = 200_000
    values, out = online.aligned(np.zeros((2, 128))), online.aligned(np.zeros((1, 256)))
    _multiply(values, out, 1)
    peak = times * 2 * 128 / fastest(lambda: _multiply(values, out, times), 5)
    speeds = {}
    for rows in (64, 128):
        matrix = online.aligned(np.zeros((rows, 128)))
        _sweep(matrix, values, out, 1)
        seconds = fastest(lambda m=matrix: _sweep(m, values, out, 20_000), 5)
        speeds[rows] = 20_000 * matrix.nbytes / seconds

    steps = 50_000
    examples = sample_examples(
        names.languages, steps, ReplicateStreams.of(1, "published", 0).examples
    )
    lengths = np.diff(names.encoded[1])[examples]
    rows: Rows = []
    for name in ("tutorial_2017", "fixed"):
        reads = lengths - (CELLS[name].readout == "combined")
        recurrent = np.maximum(reads - 1, 0).mean() * HIDDEN**2
        products = 3 * recurrent + 3 * HIDDEN * len(corpus.LANGUAGES)
        swept = (2 * np.maximum(reads - 1, 0).mean() + 1) * HIDDEN**2 * 4  # read, once written
        seconds = fastest(lambda cell=name: fit(cell, names, "online", steps)) / steps
        measured = f"{seconds * 1e6:.2f}", f"{products / 1e3:.0f}", f"{swept / 1e6:.2f}"
        limits = (products / peak, swept / speeds[64], swept / speeds[128])
        rows.append((name, *measured, *(f"{limit * 1e6:.2f}" for limit in limits)))
    text = (
        f"One core multiplies and adds {peak / 1e9:.0f} thousand million float32 a second out of "
        f"registers, and sweeps a matrix at {speeds[64] / 1e9:.0f} GB/s where it fits the "
        f"first-level cache (32 KB), at {speeds[128] / 1e9:.0f} GB/s where it does not (64 KB: the "
        "recurrent matrix of 128 hidden units). If each of these had to bear a step alone, it "
        "would take:\n\n"
    )
    header = ("architecture", "µs a step, measured", "thousand products", "MB swept")
    header += tuple(
        f"µs by {what}" for what in ("arithmetic", "first-level cache", "second-level cache")
    )
    return text + table(header, rows)


def growth(names: corpus.Corpus) -> str:
    """How the cost of one `fixed` network, or of several, grows."""
    rows: Rows = []
    for steps in (12_500, 25_000, 50_000, 100_000):
        seconds = fastest(lambda n=steps: fit("fixed", names, "online", n))
        rows.append(("steps", f"{steps:,}", f"{seconds:.2f}", f"{seconds / steps * 1e6:.2f}"))
    for hidden in (16, 32, 64, 128, 256, 512):
        seconds = fastest(lambda h=hidden: fit("fixed", names, "online", 10_000, h))
        rows.append(("hidden size", hidden, f"{seconds:.2f}", f"{seconds / 10_000 * 1e6:.2f}"))
    from joblib import Parallel, delayed

    for workers in (1, 2):
        for replicates in (2, 4, 8):
            pool = Parallel(n_jobs=workers, backend="threading")
            seconds = fastest(
                lambda n=replicates, pool=pool: pool(
                    delayed(fit)("fixed", names, "online", 20_000, HIDDEN, r) for r in range(n)
                ),
                2,
            )
            step = f"{seconds / (20_000 * replicates) * 1e6:.2f}"
            rows.append((f"replicates, {workers} at a time", replicates, f"{seconds:.2f}", step))
    return table(("what grows", "to", "seconds", "µs a step"), rows)


def scoring(names: corpus.Corpus) -> str:
    """Reading names without learning from them."""
    weights = fit("fixed", names, "online", 100).weights
    cell = CELLS["fixed"]
    seconds = fastest(lambda: cell.probabilities(weights, names.names))
    rate = f"{len(names.names) / seconds:,.0f}"
    rows: Rows = [(f"all {len(names.names):,} lines, by the engine", f"{seconds:.3f}", rate, "")]
    if files.weights("held_out", "fixed").is_file():
        command = [SURNAMES, "predict"]
        rows.append(("`surnames predict Satoshi`, cold", *_measured([*command, "Satoshi"], 1)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "names.csv"
            many = (names.names * (1_000_000 // len(names.names) + 1))[:1_000_000]
            tables.write_table(["name"], ([name] for name in many), path)  # some hold commas
            streamed = [*command, "--file", str(path), "--format", "csv", "--output", os.devnull]
            rows.append(
                ("`surnames predict --file`, start included", *_measured(streamed, len(many)))
            )
    head = ("scored with `fixed` on one core", "seconds", "names a second", "MB at the peak")
    return table(head, rows)


def _measured(command: list[str], names: int) -> tuple[str, str, str]:
    """Seconds of the fastest of some runs, names a second, and the most memory held in another."""
    seconds = fastest(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
        5 if names == 1 else 2,
    )
    rate = "" if names == 1 else f"{names / seconds:,.0f} ({names:,} names)"
    return f"{seconds:.2f}", rate, f"{peak(command, 0.01):.0f}"


def peak(command: list[str], pause: float, **how: Any) -> float:
    """The most megabytes that a command and its children hold together, looked at in pauses.

    An upper bound: pages that several of them share, such as libraries, count for each.
    """
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, **how)
    most = 0
    while process.poll() is None:
        held = 0
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):  # it has ended meanwhile
                held += one.memory_info().rss
        most = max(most, held)
        time.sleep(pause)
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} failed")
    return most / 2**20


FIRST_STEP = """
import numpy as np
from surnames.core import corpus, params
from surnames.networks.lookup import get_architecture
from surnames.networks.network import ReplicateStreams
recipe = params.load().recipes["online"].model_copy(update={"steps": 1})
names = corpus.Corpus(["Satoshi"], np.zeros(1, np.int64))
row = get_architecture("fixed")
network = row.fit(names, recipe, ReplicateStreams.of(1, "published", 0), lambda done: None)
row.probabilities(network.weights, names.names)
"""


def compilation() -> float:
    """Seconds that the engine's first step takes where numba has compiled nothing yet."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST_STEP]
        return fastest(lambda: subprocess.run(command, env=environment, check=True), 1)


def whole_study(names: corpus.Corpus) -> str:
    """The default study cold, and again with nothing to do, beside the tutorial's two networks."""
    loop, accuracies = tutorial.study(names, 100_000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "-q", ".", folder], check=True)
        environment = os.environ | {"SURNAMES_DATA": str(files.RAW.resolve())}
        repro = [sys.executable, "-m", "dvc", "repro", "-q"]
        started = time.perf_counter()
        memory = peak([SURNAMES, "repro"], 0.25, cwd=folder, env=environment)
        cold = time.perf_counter() - started
        again = fastest(lambda: subprocess.run(repro, cwd=folder, env=environment, check=True), 5)
        changed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
    replicates = tables.read_table(REPLICATES)
    networks, spread = len(replicates), []
    for name in ("tutorial_2017", "fixed"):
        found = [
            float(row["macro_recall"])
            for row in replicates
            if (row["protocol"], row["architecture"]) == ("published", name)
        ]
        spread.append(f"{min(found):.3f} to {max(found):.3f}")
    script = "tutorial-style script: 2 networks, 100,000 steps and 100,000 scored draws each"
    rows: Rows = [
        (script, f"{loop:.0f}"),
        (f"this study, cold, `surnames repro`: {networks} networks and baselines", f"{cold:.0f}"),
        ("`dvc repro` with nothing to do", f"{again:.2f}"),
        ("compiling the engine, once for a machine, not part of the above", f"{compilation():.0f}"),
    ]
    return (
        table(("what", "seconds"), rows)
        + f"\n\nThe study took {cold / loop:.2f} times as long as the script; all its processes "
        f"together held {memory:.0f} MB at the most. The script's two accuracies were "
        f"{accuracies[0]:.3f} and {accuracies[1]:.3f}; this study's ten networks of either kind "
        f"reach {spread[0]} and {spread[1]} (least to most). After the study `git status` showed "
        + ("nothing." if not changed else f"changes:\n\n```\n{changed}```")
    )


def processor() -> str:
    """Its name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()


def main() -> None:
    """Measure and write the page."""
    if not files.RAW.is_dir():
        sys.exit("error: no names in data/raw; run `make repro` first")
    raw = read_lines(files.RAW)
    names, _, _ = normalize(raw, params.load().normalize.not_names)
    parts = {
        "Training: steps per second, one core, hidden size 128": engines,
        "The machine's limits": machine,
        "How the cost grows": growth,
        "Scoring": scoring,
        "The whole study": whole_study,
    }
    page = (
        "# Benchmarks\n\nWritten by `make bench`; all figures come from one run on "
        f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}. Compare "
        "ratios, not seconds: another machine has others.\n"
    )
    for title, measure in parts.items():
        print(f"bench: {title} ...", file=sys.stderr, flush=True)
        part = measure(names)
        print(part + "\n", flush=True)
        page += f"\n## {title}\n\n{part}\n"
    tables.replace_text(PAGE, page)


if __name__ == "__main__":
    main()
