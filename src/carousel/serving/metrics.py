"""Prometheus metrics, summed over all processes of a service.

The supervisor sets PROMETHEUS_MULTIPROC_DIR before this module is imported: prometheus_client reads it at import.
"""

import os
import resource
import sys
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode("ascii")

SECONDS = (
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 10
)  # fmt: skip

REQUESTS = Counter("carousel_requests", "Requests that were answered.", ["endpoint", "status"])
LATENCY = Histogram(
    "carousel_request_seconds", "Time from a request's head to its answer.", ["endpoint"], buckets=SECONDS
)
PREDICTIONS = Counter("carousel_predictions", "Texts that a version predicted.", ["version", "role"])
BATCH = Histogram(
    "carousel_batch_texts", "Texts that were predicted at once.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
QUEUE = Gauge("carousel_queue_texts", "Texts that wait for the model.", multiprocess_mode="livesum")
SERVED = Gauge(
    "carousel_version_served", "Processes that serve a version in a role.", ["version", "role"],
    multiprocess_mode="livesum",
)  # fmt: skip
SWAPS = Counter("carousel_swaps", "Changes of the versions that a process serves.")
LOAD_FAILURES = Counter("carousel_load_failures", "Versions that a process could not load.", ["version"])
NOT_SERVED = Gauge(
    "carousel_version_not_served", "1 for a version that should be served and cannot be.", ["version"],
    multiprocess_mode="livemax",
)  # fmt: skip
SHADOW = Counter(
    "carousel_shadow", "Texts of which a shadow got a copy: agree, disagree, failed or dropped.",
    ["version", "shadow", "result"],
)  # fmt: skip
SESSION_CALLS = Counter("carousel_session_calls", "Calls of sessions.", ["call", "result"])
SESSIONS = Gauge("carousel_sessions", "Sessions that are kept.", multiprocess_mode="livemax")
SESSION_BYTES = Gauge("carousel_session_bytes", "Bytes of the sessions that are kept.", multiprocess_mode="livemax")
RESIDENT = Gauge("carousel_resident_bytes", "Resident memory of a process.", multiprocess_mode="liveall")


def expose() -> bytes:
    """Return the metrics of all processes in the text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def resident_bytes() -> int:
    """Return this process's resident memory; where the system does not tell, its maximum."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
