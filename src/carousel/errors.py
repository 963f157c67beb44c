"""The one exception that means: a person can mend this."""


class UserError(Exception):
    """A mistake in the input, the params or the request, told in one line: what, where, and how to mend it.

    The command line prints the message without a traceback and exits with code 2.
    """


class Refused(UserError):  # noqa: N818 - it is an answer, not an error
    """A request that was understood and declined, such as a promotion that fails its gate (exit code 1)."""
