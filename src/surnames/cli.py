"""The `surnames` command: what `make` calls, and what a person may."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from surnames import project
from surnames.core import errors
from surnames.core.errors import StudyError, SurnamesError
from surnames.study.paths import CLAIMS
from surnames.tracking.session import configure

if TYPE_CHECKING:
    from surnames.workflow.study_diff import Format

Command = Callable[..., None]
PORT = click.IntRange(1, 65535)


class Failure(click.ClickException):
    """One message, and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]


class Group(click.Group):
    """What a user, a disk or a signal did ends with one message and without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Call the subcommand."""
        signal.signal(signal.SIGTERM, errors.terminated)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends quietly where nobody reads on
        except (SurnamesError, OSError, MemoryError, KeyboardInterrupt) as error:
            raise Failure(*errors.explained(error)) from None


def format_option(*forms: str, text: str | None = None) -> Callable[[Command], Command]:
    """The option `--format`, whose first choice is the default."""
    choice = click.Choice(forms)
    return click.option(
        "--format", "form", default=forms[0], show_default=True, type=choice, help=text
    )


@click.group(cls=Group)
@click.version_option(package_name="surnames")
@click.pass_context
def main(context: click.Context) -> None:
    """Did fixing the PyTorch character-RNN tutorial help? A reproducible study."""
    configure()  # MLflow
    # stages say `python` and MLflow `uvicorn`: those of this environment, activated or not
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    here = context.obj = Path.cwd()  # what a user's own paths are relative to
    if local := os.environ.get("SURNAMES_DATA"):
        os.environ["SURNAMES_DATA"] = str(here / local)
    os.chdir(project.find(here))


@main.command()
@click.argument("targets", nargs=-1)
def repro(targets: tuple[str, ...]) -> None:
    """Run what changed (`dvc repro`) and print the headline table."""
    from surnames.workflow import repro as study

    click.echo(study.repro(targets))
    click.echo("\nNext: make report (the figures), make ui (every run in MLflow), dvc plots show")


@main.command()
def robustness() -> None:
    """Run what changed of the grid of other recipes, then of the study that rests on it."""
    from surnames.workflow import repro as study
    from surnames.workflow import robustness as grid

    if grid.robustness():
        click.echo(study.repro(()))
    else:
        click.echo("the grid's tables are as they were")


@main.command()
def readme() -> None:
    """Write the README's table and docs/findings.md anew from results/."""
    from surnames.workflow import repro as study

    study.write_documents()


@main.command()
@click.option("--check", is_flag=True, help="Fail where a verdict is not the expected one.")
def claims(check: bool) -> None:
    """Print the ledger: every claim with its effect and verdict."""
    from surnames.display import verdicts as display
    from surnames.study import claims as ledger

    verdicts = ledger.verdicts()
    click.echo(display.text(verdicts))
    surprises = ledger.unexpected(verdicts["claims"])
    if check and surprises:
        raise StudyError(
            f"{len(surprises)} of {len(verdicts['claims'])} verdicts are not the expected ones:\n  "
            + "\n  ".join(surprises)
            + f"\nIf that is the finding, write it down under `expect` in {CLAIMS}"
        )


@main.command()
@click.argument("wanted", metavar="RUN_ID|COMMIT")
def rerun(wanted: str) -> None:
    """Run a published run, or a commit's study, again in a clean checkout and compare."""
    from surnames.workflow.rerun import command

    matches, text = command.rerun(wanted)
    click.echo(text)
    if not matches:
        raise SystemExit(1)


@main.command()
@click.option(
    "--to", type=click.Path(path_type=Path), help="Write the page there instead of opening it."
)
@click.pass_obj
def report(here: Path, to: Path | None) -> None:
    """Stamp a copy of the report with commit and date, and open it in a browser."""
    from surnames.documents import stamp

    page = stamp.write(here / to if to else stamp.STAMPED).resolve()
    click.echo(page)
    if to is None:
        click.launch(page.as_uri())


@main.command()
@click.option("--port", default=5000, show_default=True, type=PORT)
def ui(port: int) -> None:
    """Serve the MLflow UI on loopback."""
    from surnames.tracking import server

    server.serve(port)


@main.command()
@click.option(
    "--model",
    default="champion",
    show_default=True,
    help="champion, fixed, tutorial or a version's number.",
)
@click.option("--port", default=5001, show_default=True, type=PORT)
@click.option("--host", multiple=True, help="Another name under which it may be asked.")
def serve(model: str, port: int, host: tuple[str, ...]) -> None:
    """Let a registered model answer names over HTTP, on loopback."""
    from surnames.tracking import server

    server.serve_model(model, port, host)


@main.command("verify")
@format_option("table", "json")
def verify_store(form: str) -> None:
    """Compare dvc.lock, the files and MLflow; exit 1 where they disagree."""
    from surnames.tracking import verify
    from surnames.tracking.session import opened
    from surnames.tracking.store import existing_store
    from surnames.tracking.subjects import load_snapshot

    store = existing_store()
    with opened(store, moved=True) as client:
        findings = verify.check(client, store, load_snapshot(partly=True))
    click.echo((verify.as_json if form == "json" else verify.text)(findings, store))
    if not verify.clean(findings):
        if form == "table":
            remedy = "`dvc repro` for what is stale or missing, then `surnames rebuild`"
            click.echo(f"Next: {remedy}", err=True)
        raise SystemExit(1)


@main.command("rebuild")
def rebuild_store() -> None:
    """Make again what is wrong in MLflow's store, from dvc.lock and the cache."""
    from surnames.tracking.faults import OtherSchema
    from surnames.tracking.rebuild import repair, set_aside
    from surnames.tracking.session import opened
    from surnames.tracking.store import configured_store
    from surnames.tracking.subjects import load_snapshot

    study, store = load_snapshot(), configured_store()
    if former := set_aside(store, OtherSchema):
        click.echo(f"The store could not be used as it was: {former} keeps it. Restart `make ui`.")
    with opened(store) as client:
        added, unregistered = repair(client, store, study)
    click.echo(f"{store}: {added} of {len(study.subjects)} runs made again, the rest is right")
    if unregistered:
        click.echo(f"No model was registered, and none deleted: {unregistered}")


@main.command()
def smoke() -> None:
    """Run the whole study in small, on the starter corpus, in a clone that is then removed."""
    from surnames.workflow import smoke as small

    small.run(Path.cwd())


@main.command()
@click.argument("base")
@click.argument("head", required=False)
@format_option("table", "markdown", "json")
def diff(base: str, head: str | None, form: "Format") -> None:
    """What HEAD (the work tree by default) differs in from BASE, and what of it is noise."""
    from surnames.workflow import study_diff

    both = study_diff.load(base), study_diff.load(head)
    click.echo(study_diff.render(study_diff.compare(*both), form))


@main.command()
def stale() -> None:
    """Fail where dvc.lock is not of this code, these parameters and these tables."""
    from surnames.workflow import stale as staleness

    staleness.check()


@main.command("pull-request")
@click.argument("base")
@click.option("--smoke", "small", is_flag=True, help="Run the small study instead of this one.")
@click.option("--rerun", is_flag=True, help="Go on where dvc.lock is stale; the patch is the new.")
def pull_request(base: str, small: bool, rerun: bool) -> None:
    """Do what CI does with a pull request onto BASE; build/ci holds what it wrote."""
    from surnames.workflow import pull_request as job

    job.check(base, small=small, rerun_stale=rerun)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--file", "path", help="File of names: .csv, .parquet, or a name a line; - is stdin.")
@click.option(
    "--kind",
    type=click.Choice(["lines", "csv", "parquet"]),
    help="Input format (default: from the file extension).",
)
@click.option("--column", default="name", show_default=True, help="Column that holds the names.")
@click.option(
    "--model",
    default="fixed",
    show_default=True,
    help="fixed, tutorial, champion, an architecture, a path or models:/...",
)
@click.option(
    "--top",
    default=3,
    show_default=True,
    type=click.IntRange(1, 18),
    help="Number of languages shown for each name.",
)
@click.option("--by-letter", is_flag=True, help="Show the answer after each letter, too.")
@format_option("table", "json", "csv", text="Output format.")
@click.option("--output", help="File for the answers (default: standard output).")
@click.pass_obj
def predict(
    here: Path,
    /,
    names: tuple[str, ...],
    path: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """Predict the language of surnames: NAMES, those of a file, or those on standard input.

    Where the input has a column `language`, the answers are scored as well. See docs/predict.md.
    """
    from surnames.prediction import command, names_in

    if names and path:
        raise click.UsageError("NAMES and --file are mutually exclusive")
    if not names and not path and sys.stdin.isatty():
        raise click.UsageError("no names; give NAMES or --file, or pipe names in")
    file = names_in.STANDARD_INPUT if path in (None, "-") else here / path
    command.predict(
        names=names,
        path=None if names else file,
        output=here / output if output else None,
        here=here,
        **options,
    )
