"""Publishers at the same time on a store without a lock, in every order that chance brings."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from surnames.tracking import publish as publishing
from surnames.tracking import registry
from surnames.tracking.store import FINGERPRINT, Store

NETWORKS = ("f0", "f1")
ORDERS = 300


class FakeStore:
    """The part of MLflow's server that a publisher needs: runs, and versions of one model."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.experiment: Any = None
        self.model: Any = None
        self.runs: dict[str, Any] = {}
        self.versions: list[Any] = []
        self.created: Counter[str] = Counter()

    def get_experiment_by_name(self, name: str) -> Any:
        return self.experiment

    def create_experiment(self, name: str, location: str, tags: dict[str, str]) -> str:
        if self.experiment:
            raise MlflowException("it exists")
        self.experiment = SimpleNamespace(experiment_id="1", lifecycle_stage="active", tags=tags)
        return "1"

    def search_runs(self, *_: Any, **__: Any) -> Any:
        return Page(SimpleNamespace(**vars(run)) for run in self.runs.values())

    def create_run(self, fingerprint: str) -> str:
        run_id = f"{self.chance.getrandbits(64):016x}"
        info = SimpleNamespace(run_id=run_id, status="RUNNING")
        tags = SimpleNamespace(tags={FINGERPRINT: fingerprint})
        self.runs[run_id] = SimpleNamespace(info=info, data=tags)
        self.created[fingerprint] += 1
        return run_id

    def set_terminated(self, run_id: str) -> None:
        if run_id not in self.runs:
            raise MlflowException("it must be in the 'active' state")
        old = self.runs[run_id]
        info = SimpleNamespace(run_id=run_id, status="FINISHED")
        self.runs[run_id] = SimpleNamespace(info=info, data=old.data)

    def delete_run(self, run_id: str) -> None:
        self.runs.pop(run_id, None)

    def search_registered_models(self, _: str) -> list[Any]:
        return [self.model] if self.model else []

    def create_registered_model(self, name: str, description: str) -> None:
        if self.model:
            raise MlflowException("it exists")
        self.model = SimpleNamespace(description=description)

    def search_model_versions(self, _: str, max_results: int) -> list[Any]:
        return [one for one in self.versions if one.active]

    def create_model_version(self, run_id: str, tags: dict[str, str]) -> None:
        if run_id not in self.runs:
            raise MlflowException("it must be in the 'active' state")
        number = len(self.versions) + 1
        self.created[f"version {tags[FINGERPRINT]}"] += 1
        version = {"version": number, "run_id": run_id, "tags": tags, "description": ""}
        self.versions.append(SimpleNamespace(**version, source="models:/m", active=True))

    def delete_model_version(self, name: str, number: int) -> None:
        if not self.versions[number - 1].active:
            raise MlflowException("no such version")
        self.versions[number - 1].active = False

    def delete_logged_model(self, model_id: str) -> None:
        """Nothing counts them."""


class Page(list[Any]):
    token = None


class Turns:
    """Lets one thread at a time call the store, the next one by chance."""

    def __init__(self, store: FakeStore, chance: random.Random, publishers: int) -> None:
        self.store, self.chance = store, chance
        self.condition = threading.Condition()
        self.alive, self.waiting = set(range(publishers)), set[int]()
        self.turn: int | None = None

    def client(self, me: int) -> Any:
        """The store, for one publisher."""
        turns = self

        class Client:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*args: Any, **kwargs: Any) -> Any:
                    with turns.condition:
                        turns.waiting.add(me)
                        turns.next()
                        turns.condition.wait_for(lambda: turns.turn == me)
                        turns.waiting.remove(me)
                        turns.turn = None
                        return getattr(turns.store, name)(*args, **kwargs)

                return call

        return Client()

    def next(self) -> None:
        """Choose whose turn it is, once everybody waits."""
        if self.turn is None and self.alive and self.waiting == self.alive:
            self.turn = self.chance.choice(sorted(self.waiting))
            self.condition.notify_all()

    def leave(self, me: int) -> None:
        with self.condition:
            self.alive.discard(me)
            self.next()


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two networks, one of them a candidate for the registry, without files."""

    def create(client: Any, experiment: str, record: str, *_: Any) -> None:
        client.set_terminated(client.create_run(record))

    def register(
        client: Any, _: Any, experiment: str, run: str, candidate: Any, tags: dict[str, str]
    ) -> None:
        client.create_model_version(run, tags)

    def name(_: Any, subjects: Any) -> dict[str, str]:
        return {one.fingerprint: one.fingerprint for one in subjects}

    subjects = [SimpleNamespace(fingerprint=fingerprint) for fingerprint in NETWORKS]
    candidate = SimpleNamespace(
        fingerprint="v", subject=subjects[0], tags={FINGERPRINT: "v"}, description=""
    )
    monkeypatch.setattr(publishing, "experiment_tags", dict)
    monkeypatch.setattr(publishing, "_create", create)
    monkeypatch.setattr(publishing, "build_run_records", name)
    monkeypatch.setattr(publishing, "find_candidates", lambda _: {"fixed": candidate})
    monkeypatch.setattr(publishing, "unregistrable", lambda _: "")
    monkeypatch.setattr(registry, "_create_version", register)
    monkeypatch.setattr(registry, "_set_aliases", lambda *_: None)
    monkeypatch.setattr(registry, "_update_champion", lambda *_: None)
    return SimpleNamespace(subjects=subjects, data_set={})


class Overtaken:
    """A client of the store that another publisher overtakes after its n-th list of the runs."""

    def __init__(self, store: FakeStore, n: int, overtake: Callable[[], Any]) -> None:
        self.store, self.n, self.overtake = store, n, overtake

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def search_runs(self, *args: Any, **kwargs: Any) -> Any:
        found = self.store.search_runs(*args, **kwargs)
        self.n -= 1
        if self.n == 0:
            self.overtake()
        return found


def test_deletions_that_interleave_keep_the_same_run() -> None:
    """One has listed the runs, another lists and deletes, then the first one deletes."""
    for seed in range(20):
        store = FakeStore(random.Random(seed))
        store.create_experiment("surnames", "", {})
        ids = [store.create_run("f0") for _ in range(3)]
        for run_id in ids:
            store.set_terminated(run_id)
        both = Overtaken(store, 1, lambda store=store: publishing.delete_duplicates(store))
        assert publishing.delete_duplicates(both)[0] == {"f0": min(ids)}
        assert set(store.runs) == {min(ids)}


def test_a_run_that_is_finished_while_it_is_deleted(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deletes the other's, for the first saw it unfinished: there is one in the end."""
    monkeypatch.setattr(publishing, "find_candidates", lambda _: {})
    for seed in range(20):
        store = FakeStore(random.Random(seed))
        store.create_experiment("surnames", "", {})
        late = store.create_run("f1")

        def finish(store: FakeStore = store, late: str = late) -> None:
            store.set_terminated(late)
            publishing.delete_duplicates(store)

        address = Store("http://127.0.0.1:1", Path())
        publishing.publish(Overtaken(store, 3, finish), address, study)
        left = [(run.data.tags[FINGERPRINT], run.info.status) for run in store.runs.values()]
        assert sorted(left) == [(one, "FINISHED") for one in NETWORKS], seed


@pytest.mark.parametrize("publishers", [2, 3])
def test_all_keep_the_same_runs_and_versions(study: Any, publishers: int) -> None:
    """Whatever the order of their calls: one run a fingerprint, and one version of that run."""
    doubled = Counter[str]()
    address = Store("http://127.0.0.1:1", Path())
    for seed in range(ORDERS):
        chance = random.Random(seed)
        store = FakeStore(chance)
        turns = Turns(store, chance, publishers)
        faults: list[Exception] = []

        def publish(me: int, turns: Turns = turns, faults: list[Exception] = faults) -> None:
            try:
                publishing.publish(turns.client(me), address, study)
            except Exception as error:
                faults.append(error)
            finally:
                turns.leave(me)

        threads = [threading.Thread(target=publish, args=(me,)) for me in range(publishers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults, seed
        left = [(run.data.tags[FINGERPRINT], run.info.status) for run in store.runs.values()]
        assert sorted(left) == [(one, "FINISHED") for one in NETWORKS], seed
        [version] = store.search_model_versions("", 1)
        assert store.runs[version.run_id].data.tags == {FINGERPRINT: "f0"}, seed
        doubled.update(key for key, count in store.created.items() if count > 1)
    assert min(doubled[key] for key in (*NETWORKS, "version v")) > ORDERS / 10
