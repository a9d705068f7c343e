"""`surnames serve`: the champion answers names over HTTP, and explains what it refuses."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from support.mlflow_store import client, load_model
from support.projects import Project
from support.servers import SECONDS, await_answer, free_port

from surnames.data.names import starter_names

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(finished: Project) -> Iterator[str]:
    """The address of the champion of the finished study."""
    port = free_port()
    environment = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{finished.folder}/mlflow/mlflow.db",
        "PATH": os.defpath,  # nobody need activate the environment
    }
    code = "from surnames.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=finished.folder,
        env=os.environ | finished.code | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    assert "ngram_logistic" in server.stdout.readline()
    assert f"http://127.0.0.1:{port}/invocations" in server.stdout.readline()
    try:
        await_answer(f"http://127.0.0.1:{port}/ping", server)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        server.terminate()
        server.wait(SECONDS)


def ask(address: str, body: Any, kind: str = "application/json") -> tuple[int, Any]:
    """The status and the answer's JSON, or its text."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, text, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_answers_as_the_model_does(served: str, finished: Project) -> None:
    """The same languages and probabilities as the registered model by itself, name by name."""
    store = client(finished.folder)
    champion = store.get_model_version_by_alias("surname-origin", "champion")
    names = starter_names(finished.folder / "data/starter").names[:200]
    expected = load_model(store, champion.version).predict(names)
    status, said = ask(served, {"inputs": names})
    assert status == 200
    assert [row["language"] for row in said["predictions"]] == list(expected["language"])
    for row, probability in zip(said["predictions"], expected["probability"], strict=True):
        assert row["probability"] == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize("name", ["123", 123])
def test_nothing_left_of_a_name(served: str, name: Any) -> None:
    """An empty language and no probability, in JSON that others read as well; 123 is "123"."""
    status, said = ask(served, {"inputs": [name, "Satoshi"]})
    assert status == 200
    nothing, something = said["predictions"]
    assert (nothing["language"], nothing["probability"], nothing["Japanese"]) == ("", None, None)
    assert something["probability"] > 1 / 18


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"dataframe_split": {"columns": ["surname"], "data": [["Satoshi"]]}}, "column 'name'"),
        ({"names": ["Satoshi"]}, "inputs"),
        (b"Satoshi", "JSON"),
        ({"inputs": {"language": ["Japanese"]}}, "dict"),
    ],
)
def test_wrong_input_is_refused(served: str, body: Any, told: str) -> None:
    """With a client's error and a sentence of what was expected; the server lives on."""
    status, said = ask(served, body)
    assert status == 400
    assert told in said
    assert ask(served, {"inputs": ["Satoshi"]})[0] == 200


def test_what_is_not_registered(finished: Project) -> None:
    """The message names the aliases that there are."""
    said = finished.run("surnames", "serve", "--model", "best", fails=True)
    assert "'best'" in said and "champion, fixed, tutorial" in said
    assert "Traceback" not in said
