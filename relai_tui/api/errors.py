"""What can go wrong between us and a server.

RelaiError                     str() is one clean line that says what happened and what to do
├── UnusableKey                the text cannot be a key; refused before anything is sent (T14)
├── RefusedToSend              nothing was sent: our own rules forbid it
│   ├── WrongRegion            a regional key at the other region's host
│   └── InsecureAddress        a key over plain http to a host that is neither loopback nor allowed (T13)
├── ConnectionFailed           no answer: name, route, TLS, proxy, timeout before the first byte
│   ├── Misconfigured          proxy or certificate settings of this machine: trying again does not help (T20)
│   └── TimedOut               connect, first byte or silence took longer than allowed (T11)
├── Interrupted                the answer broke off after it had begun; what came stays valid (T6)
├── Redirected                 the server points elsewhere; not followed with a key (T12)
├── UnreadableAnswer           not the shape we know: HTML, cut JSON, too large (T7, T8, T21)
└── ServerRefused              an answer with an error status, or an error object in a stream
    ├── BadRequest             400
    │   └── RegionMismatch     400 or 403 region_mismatch, 400 model_not_available_in_region
    ├── KeyRefused             401
    ├── InsufficientBalance    402, with both figures
    ├── Forbidden              403
    ├── NotFound               404
    │   └── ModelNotFound      404 model_not_found
    ├── NotOffered             404, 405 or 501 on a route this server does not have: hide the feature, show no error
    ├── RateLimited            429, with how long to wait
    ├── QuotaExceeded          429 end_user_quota_exceeded or insufficient_quota: waiting seconds does not help
    └── ServerFault            500, 502, 503, 504 …
"""

from relai_tui.text import CleanLine, clean_line


class RelaiError(Exception):
    """Any trouble with a server. `str(error)` is one clean line fit to show; it never holds a key."""

    def __init__(self, cause: str, advice: str = "") -> None:
        self.cause: CleanLine = clean_line(cause)
        """What happened, without advice: fit to be said while the program itself tries again."""
        self.message: CleanLine = clean_line(f"{cause} {advice}")
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class UnusableKey(RelaiError):
    """What was given cannot be an API key. The message never repeats it."""


class RefusedToSend(RelaiError):
    """Our own rules forbid the request; nothing left this machine."""


class WrongRegion(RefusedToSend):
    """A regional key would go to the other region's host."""


class InsecureAddress(RefusedToSend):
    """A key would go over plain http to a host that is not loopback."""


class ConnectionFailed(RelaiError):
    """The server could not be reached, or broke the connection before it answered."""

    def __init__(self, cause: str, advice: str = "", *, sent: bool = False) -> None:
        super().__init__(cause, advice)
        self.sent = sent
        """True when the request had left, or may have: the server may have acted on it."""


class Misconfigured(ConnectionFailed):
    """The proxy or the certificates this machine is set to use do not work."""


class TimedOut(ConnectionFailed):
    """Nothing came in the time allowed."""


class Interrupted(RelaiError):
    """The answer broke off after it had begun. What came before is valid and was paid for."""


class Redirected(RelaiError):
    """The server answered with a redirect, which is not followed with a key."""


class UnreadableAnswer(RelaiError):
    """The answer has a shape or size this client does not accept."""


class ServerRefused(RelaiError):
    """The server answered with an error."""

    def __init__(
        self,
        cause: str,
        advice: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(cause, advice)
        self.status = status
        """The HTTP status; None for an error object in mid-stream."""
        self.code: CleanLine | None = clean_line(code) if code else None
        """`error.code`, or `error.type` where there is no code."""
        self.param: CleanLine | None = clean_line(param) if param else None
        self.retry_after: float | None = None
        """Seconds the server asks to wait; None when it does not say."""


class BadRequest(ServerRefused):
    """400: the request is wrong."""


class RegionMismatch(BadRequest):
    """The key, the model and the region do not go together."""


class KeyRefused(ServerRefused):
    """401: another key is needed."""


class InsufficientBalance(ServerRefused):
    """402: the credits do not cover the request."""

    def __init__(
        self,
        cause: str,
        advice: str = "",
        *,
        status: int | None = 402,
        code: str | None = None,
        param: str | None = None,
        balance_micro: int | None = None,
        required_micro: int | None = None,
    ) -> None:
        super().__init__(cause, advice, status=status, code=code, param=param)
        self.balance_micro = balance_micro
        """Micro-dollars; None when the server did not say."""
        self.required_micro = required_micro
        """Micro-dollars; None when the server did not say."""


class Forbidden(ServerRefused):
    """403: the key may not do this."""


class NotFound(ServerRefused):
    """404: there is no such thing."""


class ModelNotFound(NotFound):
    """404 model_not_found: pick another model."""


class NotOffered(ServerRefused):
    """This server does not have the route: the feature is hidden, no error is shown."""


class RateLimited(ServerRefused):
    """429: too many requests; `retry_after` says how long to wait where the server does."""


class QuotaExceeded(ServerRefused):
    """429 that waiting seconds does not cure: an end user's quota, or no quota left at all."""


class ServerFault(ServerRefused):
    """5xx: the fault is the server's."""
