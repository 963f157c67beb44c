"""A URL that may hold a password: it is masked wherever it is printed, logged or saved."""

import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

MASK = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PARTS = re.compile(r"([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:@\[\]]*)(?::([0-9]{0,9}))?")
_SECRET = re.compile(r"pass|pwd|secret|token|key|auth|cred|sig", re.IGNORECASE)
_SECRET_SETTING = re.compile(r"(?i)\b(\w*(?:password|passwd|pwd|secret|token))\s*=\s*('[^']*'|[^&\s'\"]+)")
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*):[^\s@]+@")
# Query parameters that are shown: those of libpq and other drivers that hold no secret
_SHOWN = frozenset({
    "application_name", "channel_binding", "charset", "client_encoding", "connect_timeout", "database", "dbname",
    "driver", "fallback_application_name", "gssencmode", "host", "hostaddr", "keepalives", "keepalives_count",
    "keepalives_idle", "keepalives_interval", "load_balance_hosts", "mode", "options", "passfile", "port",
    "require_auth", "service", "ssl_ca", "ssl_cert", "ssl_key", "sslcert", "sslcrl", "sslkey", "sslmode",
    "sslnegotiation", "sslrootcert", "target_session_attrs", "tcp_user_timeout", "timeout", "unix_socket", "uri",
    "user", "username",
})  # fmt: skip

_replaced: dict[str, str] = {}  # what `redact` replaces: every secret of this process, and by what


class Url:
    """A URL whose password only `reveal` returns; `str`, `repr`, f-strings and pydantic's JSON have `***` for it.

    Secrets are the password (for HTTP also a user without one), query parameters that are not known to be
    harmless, and, where the URL is malformed, everything that may be a password. Any text makes a `Url`: `fault`
    says what is wrong with it.

    Args:
        value: the whole URL.
    """

    __slots__ = ("_parts", "_value")

    def __init__(self, value: "str | Url") -> None:
        self._value: str = value._value if isinstance(value, Url) else value
        self._parts = _parse(self._value)
        if self._value != self._masked:
            _replaced[self._value] = str(self)
            _replaced.update(dict.fromkeys(_spellings(self._parts), MASK))

    def reveal(self) -> str:
        """Return the URL with its password, to be passed to whatever connects, and to nothing else.

        In a database's URL, characters of the password that separate parts of a URL are percent-encoded.
        """
        parts = self._parts
        if parts is None or not parts.well_formed or parts.scheme in ("http", "https") or not parts.user_info:
            return self._value
        user_info = quote(unquote(parts.user), safe="")
        if parts.password:
            user_info += f":{quote(unquote(parts.password), safe='')}"
        head = f"{self._value[: len(parts.full_scheme)]}://{user_info}@{parts.host_port}{parts.path}"
        return head + (f"?{parts.query.replace('@', '%40')}" if parts.query else "")

    @property
    def scheme(self) -> str:
        """The scheme in lower case, without a driver: `postgresql` of `postgresql+psycopg://`; empty if none."""
        return self._parts.scheme if self._parts else ""

    @property
    def host(self) -> str:
        """The host, without brackets; empty if there is none or the URL is malformed."""
        return self._match[1].strip("[]") if self._match else ""

    @property
    def port(self) -> int | None:
        """The port, if there is one."""
        return int(self._match[2]) if self._match and self._match[2] else None

    @property
    def path(self) -> str:
        """What follows host and port, up to the query, with its slash."""
        return self._parts.path if self._parts else ""

    @property
    def extra(self) -> str:
        """The query or fragment, with its secrets; empty if none."""
        return (self._parts.query or self._parts.fragment) if self._parts else ""

    @property
    def credentials(self) -> tuple[str, str]:
        """The decoded user and password; empty where there is none."""
        if self._parts is None or not self._well_formed:
            return "", ""
        return unquote(self._parts.user), unquote(self._parts.password)

    def without_credentials(self) -> "Url":
        """Return the URL without user and password."""
        if not self._well_formed or self._parts is None or not self._parts.user_info:
            return self
        return Url(self._value.replace(f"{self._parts.user_info}@", "", 1))

    @property
    def has_secret(self) -> bool:
        """Whether it holds a password or token, or may hold one because it is malformed."""
        parts = self._parts
        if parts is None or not parts.well_formed:
            return self._masked != self._value
        return bool(parts.secret_user_info) or any(_is_secret(*pair) for pair in parts.pairs)

    def fault(self) -> str | None:
        """Return what is wrong with it, as the rest of a sentence; None if nothing is."""
        if not self._value.strip():
            return "is empty"
        if re.search(r"[\s\x00-\x1f\x7f]", self._value) and self.scheme not in ("sqlite", "file"):
            return "has white space in it: write a space as %20"
        if self._parts is None:
            return "is not a URL: it has no scheme with ://"
        if self._well_formed:
            port = self.port
            return None if port is None or 0 < port < 65536 else "has a port that is not from 1 to 65535"
        if "@" in self._value and self._value != self._masked:
            return "has a malformed user, password, host or port: percent-encode : / ? # @ in a password"
        return "has a malformed host or port: a port is a number"

    @property
    def _well_formed(self) -> bool:
        return self._parts is not None and self._parts.well_formed

    @property
    def _match(self) -> re.Match[str] | None:
        return _HOST.fullmatch(self._parts.host_port) if self._parts and self._parts.well_formed else None

    @property
    def _masked(self) -> str:
        if self._parts is None or not self._parts.well_formed:
            return _mask_malformed(self._value)
        return self._parts.masked(self._value)

    def __str__(self) -> str:
        return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "?", self._masked)  # it is part of a line

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, _memory: Any) -> "Url":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a Url may hold a password and is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(cls, core_schema.str_schema()),
            ],
            mode="left_to_right",
            custom_error_type="url",
            custom_error_message="should be a URL",
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )


class _Parts:
    """The parts of a URL with a scheme, as they are spelled in it."""

    def __init__(self, full_scheme: str, rest: str) -> None:
        self.full_scheme = full_scheme
        self.scheme = full_scheme.lower().partition("+")[0]
        match = _PARTS.fullmatch(rest)
        assert match is not None
        authority, self.path, self.query, self.fragment = (str(part or "") for part in match.groups())
        self.user_info, _, self.host_port = authority.rpartition("@")
        self.user, _, self.password = self.user_info.partition(":")
        self.pairs = [pair.partition("=")[::2] for pair in re.split("[&;]", self.query) if pair]

    @property
    def well_formed(self) -> bool:
        """Whether it is clear where the password ends, if there is one."""
        if self.scheme == "databricks":  # databricks://scope:prefix
            return "@" not in self.host_port + self.path + self.query + self.fragment
        if _HOST.fullmatch(self.host_port) is None:
            return False
        if self.scheme in ("sqlite", "file") and not self.user_info:
            return True
        odd = "@" in self.query and not all("=" in pair for pair in re.split("[&;]", self.query) if pair)
        in_path = "@" in self.path + self.fragment and (":" in self.host_port + self.user_info or not self.is_http)
        return not (odd or in_path)

    @property
    def is_http(self) -> bool:
        return self.scheme in ("http", "https")

    @property
    def secret_user_info(self) -> str:
        """The password, or a user that is a token."""
        return self.password or (self.user if self.is_http else "")

    def masked(self, value: str) -> str:
        head = f"{value[: len(self.full_scheme)]}://"
        if self.user_info:
            user = MASK if self.is_http and not self.password else self.user
            head += f"{user}:{MASK}@" if self.password else f"{user}@"
        head += self.host_port + self.path
        if self.query:
            head += "?" + "&".join(_mask_pair(*pair) for pair in self.pairs)
        return head + (f"#{MASK}" if self.fragment else "")


def _parse(value: str) -> _Parts | None:
    match = _SCHEME.match(value)
    return _Parts(match[0][:-3], value[match.end() :]) if match else None


def _is_secret(key: str, value: str) -> bool:
    if key.lower() == "options":  # PostgreSQL's settings of a session: -c name=value
        return _SECRET.search(unquote_plus(value)) is not None
    return key.lower() not in _SHOWN and _SECRET.search(unquote_plus(key)) is not None


def _mask_pair(key: str, value: str) -> str:
    shown = key.lower() in _SHOWN and not _is_secret(key, value)
    if not value:  # perhaps a secret without a name
        return MASK
    return f"{key}={value if shown else MASK}"


def _mask_malformed(value: str) -> str:
    """Mask whatever may be a password: what lies before an @, or where a port should be, or is set to a secret."""
    match = _SCHEME.match(value)
    head, rest = (match[0], value[match.end() :]) if match else ("", value)
    at, colon = rest.rfind("@"), rest.find(":")
    if at >= 0:
        if 0 <= colon < at:
            rest = f"{rest[:colon]}:{MASK}{rest[at:]}"
        elif head.startswith("http") or re.search("[/?#]", rest[:at]):
            rest = MASK + rest[at:]
    elif match:  # a password whose host was forgotten looks like a port
        rest = re.sub(r"^([^/?#]*?):(?!\d*(?:[/?#]|$))[^/?#]*", rf"\1:{MASK}", rest)
    return _SECRET_SETTING.sub(rf"\1={MASK}", head + rest)


def _spellings(parts: _Parts | None) -> list[str]:
    """Return how a URL's secrets may be written in a message: as in the URL, decoded, and encoded again."""
    if parts is None or not parts.well_formed:
        return []
    secrets = [parts.secret_user_info, *(value for key, value in parts.pairs if _is_secret(key, value))]
    return [
        spelled
        for secret in secrets
        if secret
        for spelled in (secret, unquote(secret), quote(unquote(secret), safe=""))
    ]


def redact(text: str) -> str:
    """Return a text without the secrets of any `Url` of this process, and without what looks like one."""
    for secret in sorted(_replaced, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, _replaced[secret])
        else:  # a short password may be part of any word
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _replaced[secret], text)
    text = _CREDENTIALS.sub(rf"\1:{MASK}@", text)
    return _SECRET_SETTING.sub(rf"\1={MASK}", text)


def redact_tracebacks() -> None:
    """Let the tracebacks of exceptions that nothing handles be printed without secrets."""

    def show(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = show
    threading.excepthook = lambda thread: show(thread.exc_type, thread.exc_value, thread.exc_traceback)
