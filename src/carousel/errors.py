"""User errors: what is wrong, and how to fix it, in one line."""


class UserError(Exception):
    """A mistake in the input, the params or the request, told in one line: what, where, and how to fix it.

    The command line prints the message without a traceback and exits with code 2.
    """


class Refused(UserError):  # noqa: N818 - it is an answer, not an error
    """A request that was understood and declined, such as a promotion that fails its gate (exit code 1)."""


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, of a database driver's under SQLAlchemy's; or its class."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
