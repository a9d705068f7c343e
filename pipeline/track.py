"""Publish the study to MLflow: what the store lacks of it, and nothing twice."""

from surnames.core import errors, tables
from surnames.tracking import publish as tracking
from surnames.tracking import run_record as publication
from surnames.tracking import store as stores
from surnames.tracking.store import RECEIPT


def main() -> None:
    """Read dvc.lock and the results, fill the store, write the receipt."""
    study = publication.load()
    place = stores.store()
    with stores.opened(place) as client:
        before = tracking.moved(client, place)
        added = 0 if before else tracking.publish(client, place, study)
    if before:
        print(f"MLflow: the store was made for {before}, so it is made anew")
        added, _ = tracking.make_anew(place, study)
    tables.write_json(publication.receipt(study.subjects), RECEIPT)
    print(f"MLflow: {added} runs added, {len(study.subjects) - added} already there; {place}")


if __name__ == "__main__":
    errors.run(main)
