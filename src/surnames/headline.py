"""The study in one table: for the terminal, and for the README between its two marks."""

from pathlib import Path

from surnames import files
from surnames.errors import StudyError

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"
METRICS = {"macro_recall": "macro recall", "accuracy": "accuracy"}
TITLES = {
    "published": "as published: the names it was trained on",
    "held_out": "names it has not seen",
    "random_split": "random 85/15 split",
}


def on_starter() -> bool:
    """Whether the names at hand are the starter corpus, for want of a source."""
    return files.DATA_SET.is_file() and files.read_json(files.DATA_SET)["name"] == "starter"


def _percent(cell: str) -> str:
    return f"{100 * float(cell):.1f}"


def table() -> list[list[str]]:
    """Header and rows: an architecture, then macro recall with interval for each protocol."""
    if not files.SUMMARY.is_file():
        raise StudyError(f"{files.SUMMARY} is not there yet; run `make repro`")
    found = {
        (row["protocol"], row["architecture"]): row
        for row in files.read_table(files.SUMMARY)
        if row["metric"] == "macro_recall"
    }
    protocols = list(dict.fromkeys(protocol for protocol, _ in found))
    rows = [["architecture", *protocols]]
    for architecture in dict.fromkeys(architecture for _, architecture in found):
        cells = []
        for protocol in protocols:
            row = found.get((protocol, architecture))
            if row is None:
                cells.append("")
                continue
            cell = _percent(row["mean"])
            if row["ci_low"]:
                cell += f" ({_percent(row['ci_low'])} to {_percent(row['ci_high'])})"
            if row["diverged"] != "0":
                cell += f", {row['diverged']} diverged"
            cells.append(cell)
        rows.append([architecture, *cells])
    return rows


def text() -> str:
    """The table for a terminal, with the data set that it is about."""
    rows = table()
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    title = f"Macro recall in percent, mean and interval over replicates; data set {data_set()}"
    return "\n".join([title, "", lines[0], "-" * max(map(len, lines)), *lines[1:]])


def data_set() -> str:
    """The data set that results/summary.csv is about; the starter corpus said loudly."""
    name = files.read_table(files.SUMMARY)[0]["data_set"]
    starter = name.startswith("starter")
    return f"{name} (THE STARTER CORPUS: no answer to the question)" if starter else name


def markdown() -> str:
    """The README's block."""
    head, *rows = table()
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def write_readme(path: Path = files.README) -> None:
    """Put the block between the README's two marks."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise StudyError(f"{path} lacks the marks {BEGIN!r} and {END!r}")
    written = f"{before}{BEGIN}\n{markdown()}\n\nData set: {data_set()}.\n{END}{after}"
    if written != page:
        files.replace_text(path, written)
