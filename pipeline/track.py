"""Publish the study to MLflow: what the store lacks of it, and nothing twice."""

from surnames.core import stage, tables
from surnames.tracking.publish import publish
from surnames.tracking.rebuild import set_aside
from surnames.tracking.session import configure, opened
from surnames.tracking.store import RECEIPT, REGISTERED, configured_store
from surnames.tracking.subjects import load_snapshot


def main() -> None:
    """Read dvc.lock and the results, fill the store, write the receipt."""
    configure()
    study, store = load_snapshot(), configured_store()
    if former := set_aside(store):
        print(f"MLflow: the store could not be used, so it is made again; {former} keeps it")
    with opened(store) as client:
        added, unregistered = publish(client, store, study)
    fingerprints = sorted(subject.fingerprint for subject in study.subjects)
    receipt = {"fingerprints": fingerprints}
    tables.write_json(receipt, RECEIPT)
    if unregistered:
        print(f"MLflow: no model is registered, and no alias moved: {unregistered}")
    else:
        tables.write_json(receipt | {"store": store.name}, REGISTERED)
    print(f"MLflow: {added} runs added, {len(study.subjects) - added} already there; {store}")


if __name__ == "__main__":
    stage.run(main)
