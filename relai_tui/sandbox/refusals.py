"""The errors a Relai server answers, with the statuses and codes of its contract."""

from typing import Any

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class Refusal(Exception):
    """A request is answered with an error. Becomes `{"error": {message, type, code, param, …}}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers or {}
        self.more = more
        """Fields beside the usual ones, such as `retry_after` or `balance_micro`."""

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": _TYPES.get(self.status, "server_error"),
            "code": self.code,
        }
        if self.param is not None:
            error["param"] = self.param
        return {"error": error | self.more}


def bad_request(message: str, param: str | None = None) -> Refusal:
    """400: the request is wrong, and `param` names where."""
    return Refusal(400, "bad_request", message, param=param)


def unusable_key(message: str) -> Refusal:
    """401: no key, or text that is no key."""
    return Refusal(401, "invalid_api_key", message, headers={"WWW-Authenticate": "Bearer"})


def unknown_key() -> Refusal:
    """401: it looks like a key and is none of this account."""
    return Refusal(401, "api_key_not_found", "No such API key.", headers={"WWW-Authenticate": "Bearer"})


def not_found(what: str) -> Refusal:
    """404: there is no such thing."""
    return Refusal(404, "not_found", f"{what} not found.")


def model_not_found(name: str) -> Refusal:
    """404: no model has this id or alias."""
    return Refusal(404, "model_not_found", f"The model '{name}' does not exist.", param="model")


def insufficient_balance(balance_micro: int, required_micro: int) -> Refusal:
    """402: the credits (micro-dollars) do not cover the request."""
    return Refusal(
        402,
        "insufficient_balance",
        "Your credits do not cover this request. Please top up.",
        balance_micro=balance_micro,
        required_micro=required_micro,
    )


def rate_limited(retry_after: int, rpm_limit: int) -> Refusal:
    """429: the key made more requests within a minute than it may; waiting `retry_after` seconds helps."""
    return Refusal(
        429,
        "rate_limit_exceeded",
        f"Rate limit of {rpm_limit} requests per minute exceeded. Retry in {retry_after} s.",
        headers={"Retry-After": str(retry_after)},
        retry_after=retry_after,
    )


def quota_exceeded(user: str, period: str) -> Refusal:
    """429: an end user's quota of this period (`daily` or `monthly`) is used up; waiting seconds does not help."""
    return Refusal(429, "end_user_quota_exceeded", f"The {period} quota of user '{user}' is exceeded.", param="user")
