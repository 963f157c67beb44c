"""Register the bundle as a version, or find the version that already holds its fingerprint."""

from carousel import layout
from carousel.cli.output import say
from carousel.files import read_json, write_json
from carousel.params import load
from carousel.predictor import read
from carousel.registry import registration, versions
from carousel.task import find
from carousel.tracking import run as tracked
from carousel.tracking.lineage import data_digests
from carousel.tracking.store import connect
from pipeline.stage import run


def main() -> None:
    params, folder = load(), layout.BUNDLE
    name, metrics = params.registry.name, find(params.task).metrics
    test, baseline = read_json(layout.TEST_REPORT), read_json(layout.BASELINE_REPORT)
    bundle, client = read(folder), connect()
    with tracked.resumed(client, bundle) as mlflow_run:
        tracked.check_evaluated(mlflow_run, metrics, test, baseline)
        tags = {
            **tracked.origin(mlflow_run),
            **versions.metric_tags(test, baseline, metrics),
            versions.TEST_DIGEST: data_digests()["test"],
        }
        version, new = registration.register(client, name, bundle, folder, mlflow_run.info.run_id, tags)
        interrupted = not version.is_complete and not new
        if not version.is_complete:
            registration.describe(client, version, bundle)
            version = registration.complete(client, version, tracked.log_lock(version.run_id))
    write_json(
        layout.REGISTERED_REPORT,
        {
            "name": name,
            "version": version.number,
            "aliases": list(version.aliases),
            "uri": version.uri,
            "fingerprint": bundle.fingerprint,
            "run_id": version.run_id,
        },
    )
    done = "registered as challenger" if new else "holds this bundle already"
    say(f"{name} version {version.number} {'had an interrupted registration: finished' if interrupted else done}")


if __name__ == "__main__":
    run(main)
