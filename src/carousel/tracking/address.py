"""The addresses of MLflow's stores in the environment: checked, and given to MLflow without their passwords."""

import os

from carousel.errors import UserError, first_line
from carousel.url import Url, redact

TRACKING, REGISTRY = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
USER, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
SERVERS = ("http", "https")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
OTHERS = ("file", "databricks", "databricks-uc", "uc")
CONNECT_SECONDS = 5


def named(variable: str) -> Url | None:
    """Return the address that an environment variable holds; None if the variable is not set.

    Raises:
        UserError: when it is empty or malformed.
    """
    value = os.environ.get(variable)
    if value is None:
        return None
    url = Url(value)
    if value in OTHERS:  # MLflow's names of a Databricks workspace
        return url
    if fault := url.fault() or _fault(url):
        shown = f"{variable}={url}" if value.strip() else variable
        raise UserError(f"{shown}: {fault}; set it to http://HOST:PORT or a database's URL, or unset it")
    return url


def use(tracking: Url, registry: Url) -> None:
    """Point MLflow at its stores.

    MLflow prints the address of a server with most errors. So a server's user and password go to MLflow in the
    variables that it has for them.

    Raises:
        UserError: when two servers have different passwords, since MLflow has one variable for both.
    """
    found = {url.credentials for url in (tracking, registry) if url.scheme in SERVERS} - {("", "")}
    if len(found) > 1:
        raise UserError(
            f"{REGISTRY}: its user or password is not that of {TRACKING}, and MLflow takes one for both"
        )
    import mlflow

    for user, password in found:
        os.environ[USER], os.environ[PASSWORD] = user, password
    mlflow.set_tracking_uri(_plain(tracking))
    mlflow.set_registry_uri(_plain(registry))


def check_database(url: Url) -> None:
    """Connect to a database once: MLflow itself tries for minutes.

    Raises:
        UserError: when it cannot be reached, refuses the password, or its driver is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    if url.scheme not in DATABASES or url.scheme == "sqlite":
        return
    limit = {"connect_timeout": CONNECT_SECONDS} if url.scheme == "postgresql" else {}
    try:
        create_engine(url.reveal(), poolclass=NullPool, connect_args=limit).connect().close()
    except (SQLAlchemyError, ImportError) as error:
        reason = redact(first_line(error))
        raise UserError(f"{url}: the MLflow store cannot be used: {reason}") from error


def _fault(url: Url) -> str | None:
    if url.scheme in SERVERS:
        user, password = url.credentials
        if not url.host:
            return "has no host"
        if user and not password:
            return f"has a user without a password: set {TOKEN} instead"
        return f"has a query or fragment, which MLflow does not use: set {TOKEN} instead" if url.extra else None
    if url.scheme == "sqlite":
        return "names no file: sqlite:////ABSOLUTE/PATH" if url.host or len(url.path) < 2 else None
    return None if url.scheme in (*DATABASES, *OTHERS, *_plugins()) else f"has the unknown scheme {url.scheme}"


def _plugins() -> set[str]:
    """Return the schemes that installed plugins bring."""
    from importlib.metadata import entry_points

    return {point.name for point in entry_points(group="mlflow.tracking_store")}


def _plain(url: Url) -> str:
    return (url.without_credentials() if url.scheme in SERVERS else url).reveal()
