"""The log of a service: events and errors, never a text of a request."""

import logging
import sys
import traceback

from carousel.errors import UserError


def set_up(title: str) -> None:
    """Write a line an event to standard error.

    Args:
        title: of the process, such as `worker`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {title} [%(process)d] %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def reason_of(error: BaseException) -> str:
    """Return a user error's sentence, of any other error where it was raised: its message may quote a text."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
