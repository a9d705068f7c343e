"""MLflow's own pages on the finished study, in a real browser, as a person would look at them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from playwright.sync_api import Browser, Page, expect
from support.projects import SCREENSHOTS, Project
from support.servers import await_answer, free_port

from surnames.tracking.store import EXPERIMENT

SECONDS = 30
# MLflow opens a panel for its assistant at the first visit, which takes a third of the page
ASSISTANT_SEEN = "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1"


@pytest.fixture(scope="module")
def served(finished: Project, browser: Browser) -> Iterator[list[str]]:
    """What `surnames ui` printed on the finished study: the addresses of its pages."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    code = "from surnames.cli import main; main()"
    command = [sys.executable, "-c", code, "ui", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=finished.folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    said = [server.stdout.readline().strip() for _ in range(6)]
    try:
        await_answer(f"http://127.0.0.1:{port}/health", server)
        yield said
    finally:
        server.terminate()
        server.wait(SECONDS)


@pytest.fixture
def page(browser: Browser, served: list[str]) -> Iterator[Page]:
    """A fresh browser that has never seen MLflow; a request to any other host is a failure."""
    SCREENSHOTS.mkdir(exist_ok=True)
    strangers = []
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    page = context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.add_init_script(f"localStorage.setItem({ASSISTANT_SEEN!r}, 'true')")
    page.on(
        "request",
        lambda request: (
            strangers.append(request.url)
            if request.url.startswith("http") and "//127.0.0.1:" not in request.url
            else None
        ),
    )
    yield page
    context.close()
    assert strangers == []


def address(served: list[str], name: str) -> str:
    return next(line.split()[1] for line in served if line.startswith(name))


def seen(page: Page, name: str) -> None:
    """Keep what a person would see."""
    page.wait_for_timeout(700)  # charts and panels slide in
    page.screenshot(path=SCREENSHOTS / f"mlflow-{name}.png")


def visible(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=1000 * SECONDS)


def run_id(finished: Project, name: str) -> str:
    uri = f"sqlite:///{finished.folder / 'mlflow/mlflow.db'}"
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    [found] = client.search_runs([experiment.experiment_id], f"run_name = '{name}'")
    return str(found.info.run_id)


@pytest.mark.parametrize("protocol", ["held_out", "published"])
def test_networks_stand_grouped_by_architecture(
    page: Page, served: list[str], protocol: str
) -> None:
    """The saved view of a protocol: a group for each architecture, with its mean and its size."""
    page.goto(address(served, protocol))
    visible(page, f"Group: STARTER {protocol}-fixed")
    seen(page, f"networks-{protocol}")
    visible(page, "macro_recall")
    expect(page.get_by_text("Model training").first).to_be_visible()
    expect(page.get_by_text(f"STARTER {protocol}-fixed-1").first).to_be_visible()
    other = {"held_out": "published", "published": "held_out"}[protocol]
    expect(page.get_by_text(f"Group: STARTER {other}-fixed")).to_have_count(0)


def test_means_stand_side_by_side(page: Page, served: list[str]) -> None:
    """The saved view: one row for each run, with its interval beside its mean."""
    page.goto(address(served, "means"))
    visible(page, "STARTER held_out-fixed")
    seen(page, "means")
    visible(page, "macro_recall_low")
    expect(page.get_by_text("STARTER held_out-fixed-1")).to_have_count(0)


def test_published_stands_beside_held_out(page: Page, served: list[str]) -> None:
    """The saved view: the two protocols of an architecture in neighbouring rows, and no other."""
    page.goto(address(served, "protocols"))
    visible(page, "STARTER held_out-fixed")
    seen(page, "protocols")
    rows = [row.inner_text() for row in page.get_by_role("row").all()]
    names = [row.split()[-1] for text in rows for row in text.split("\n") if "STARTER" in row]
    places = {name: names.index(name) for name in names}
    assert abs(places["held_out-fixed"] - places["published-fixed"]) == 1
    assert "random_split-fixed" not in places


def test_curves_lie_over_one_another(page: Page, served: list[str]) -> None:
    """The same view as charts: a section for the curves, one line for each run."""
    page.goto(address(served, "means") + "&compareRunsMode=CHART")
    page.get_by_placeholder("Search metric charts").fill("training")
    visible(page, "training/loss")
    expect(page.locator(".js-plotly-plot .lines").first).to_be_visible()
    seen(page, "curves")


def test_a_run_shows_its_confusion_matrix(page: Page, served: list[str], finished: Project) -> None:
    """As a picture, and as a table of counts."""
    base = address(served, "models").split("#")[0]
    run = run_id(finished, "STARTER held_out-fixed")
    folder = f"{base}#/experiments/1/runs/{run}/artifacts/confusion"
    page.goto(f"{folder}/confusion.svg?workflowType=machine_learning")
    picture = page.locator("img[src^='blob:'], img[src*='artifact'], svg text").first
    expect(picture).to_be_visible()
    seen(page, "confusion")
    page.get_by_text("table.json").click()
    visible(page, "Vietnamese")
    seen(page, "confusion-table")


def test_a_run_tells_what_it_is(page: Page, served: list[str], finished: Project) -> None:
    """Description, metrics, data set and tags; and that it is no answer."""
    base = address(served, "models").split("#")[0]
    run = run_id(finished, "STARTER held_out-fixed")
    page.goto(f"{base}#/experiments/1/runs/{run}?workflowType=machine_learning")
    visible(page, "STARTER CORPUS: no answer to the question")
    visible(page, "scores/macro_recall")
    seen(page, "run")


def test_the_registry_shows_versions_and_aliases(page: Page, served: list[str]) -> None:
    """Four versions; the three aliases."""
    page.goto(address(served, "models"))
    visible(page, "Version 4")
    for alias in ("tutorial", "fixed", "champion"):
        visible(page, f"@ {alias}")
    seen(page, "models")


def test_the_server_says_where_to_look(served: list[str]) -> None:
    """The addresses of the views and of the models: the start page would open the other mode."""
    assert [line.split()[0] for line in served] == [
        "means",
        "protocols",
        "held_out",
        "published",
        "models",
        "Ctrl-C",
    ]
