"""`surnames serve`: the champion answers names over HTTP, and explains what it refuses."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from support.load import load
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


def test_nothing_left_of_a_name(served: str) -> None:
    """An empty language and no probability, in JSON that others read as well."""
    status, said = ask(served, {"inputs": ["123", "Satoshi"]})
    assert status == 200
    nothing, something = said["predictions"]
    assert (nothing["language"], nothing["probability"], nothing["Japanese"]) == ("", None, None)
    assert something["probability"] > 1 / 18


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"name": ["Satoshi"]}},
        {"instances": ["Satoshi"]},
        {"dataframe_split": {"columns": ["name"], "data": [["Satoshi"]]}},
        {"dataframe_records": [{"name": "Satoshi"}]},
    ],
)
def test_every_form_of_mlflows_protocol(served: str, body: Any) -> None:
    """They mean the same names."""
    assert ask(served, body) == ask(served, {"inputs": ["Satoshi"]})


WRONG = [
    ({"dataframe_split": {"columns": ["surname"], "data": [["Satoshi"]]}}, 400, "called name"),
    ({"names": ["Satoshi"]}, 400, "inputs"),
    (b"Satoshi", 400, "no JSON"),
    (b"", 400, "no JSON"),
    (b"[" * 100_000, 400, "no JSON"),
    (b'{"inputs": [' + b"9" * 5000 + b"]}", 400, "no JSON"),
    (b"\xff\xfe{}", 400, "no JSON"),
    ({"inputs": {"language": ["Japanese"]}}, 400, "called name"),
    ({"inputs": ["Satoshi", None]}, 400, "name 1 must be text, got null"),
    ({"inputs": [True]}, 400, "name 0 must be text, got true or false"),
    ({"inputs": [123]}, 400, "name 0 must be text, got a number"),
    ({"inputs": [["Satoshi"]]}, 400, "name 0 must be text, got a list"),
    ({"inputs": ["a" * 1001]}, 400, "longer than 1000"),
    (b'{"inputs": ["\\ud800"]}', 400, "surrogate"),
    ({"inputs": ["a"] * 100_001}, 413, "100,001 names are more than 100,000"),
    ({"inputs": ["a" * 9_000_000]}, 413, "larger than 8,000,000 bytes"),
    (["Satoshi"], 400, "got a list"),
]


@pytest.mark.parametrize(("body", "status", "words"), WRONG, ids=lambda one: str(one)[:30])
def test_wrong_input_is_refused(served: str, body: Any, status: int, words: str) -> None:
    """With a client's error and one sentence of what was expected; the server lives on."""
    got, said = ask(served, body)
    assert got == status
    assert words in json.loads(said)["error"] and "Traceback" not in said and len(said) < 300
    assert ask(served, {"inputs": ["Satoshi"]})[0] == 200


def test_another_content_type_or_host_is_refused(served: str) -> None:
    """A page of a stranger's can make a browser ask this machine, by a name of its own."""
    assert ask(served, {"inputs": ["Satoshi"]}, "text/plain")[0] == 415
    request = urllib.request.Request(
        served, b'{"inputs": []}', {"Content-Type": "application/json", "Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=SECONDS)


def test_many_names_take_no_more_memory(served: str, finished: Project) -> None:
    """A hundred thousand of them, the most that are taken: answered as they are scored."""
    [server] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "serve" in (process.info["cmdline"] or []) and process.cwd() == str(finished.folder)
    ]
    ask(served, {"inputs": ["Satoshi"] * 2000})
    before = server.memory_info().rss
    status, said = ask(served, {"inputs": [f"Satoshi{'a' * (k % 9)}" for k in range(100_000)]})
    assert status == 200 and len(said["predictions"]) == 100_000
    assert server.memory_info().rss - before < 60_000_000  # the body, its list, and some chunks


def test_many_clients_at_once(served: str) -> None:
    """Nobody is turned away; how long it takes is measured by `make faults`."""
    found = load(served, ["Satoshi", "Schmidhuber", "O'Néàl"], clients=16, seconds=2)
    assert found["answers"] > 16 and found["errors"] == 0


def test_what_is_not_registered(finished: Project) -> None:
    """The message names the aliases that there are."""
    said = finished.run("surnames", "serve", "--model", "best", fails=True)
    assert "'best'" in said and "champion, fixed, tutorial" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken(finished: Project) -> None:
    """One line, and at once."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        said = finished.run("surnames", "serve", "--port", port, fails=True)
    assert said == f"Error: port {port}: Address already in use; choose another by --port\n"
