"""Publish the study to MLflow: what the store lacks of it, and nothing twice."""

from surnames import publication, tracking
from surnames.core import errors, files, params


def main() -> None:
    """Read dvc.lock and the results, fill the store, write the receipt."""
    config = params.load()
    settings = publication.Settings(
        config.architectures, config.protocols, config.recipes, config.runs, config.study
    )
    summary = files.read_table(files.SUMMARY)
    subjects = publication.subjects(settings, publication.lock(), summary)
    study = publication.Study(
        settings, subjects, summary, files.read_table(files.CURVES), files.read_json(files.DATA_SET)
    )
    place = tracking.store()
    with tracking.opened(place) as client:
        added = tracking.publish(client, place, study)
    files.write_json(publication.receipt(subjects), files.RECEIPT)
    print(f"MLflow: {added} runs added, {len(subjects) - added} already there; {place.uri}")


if __name__ == "__main__":
    errors.run(main)
