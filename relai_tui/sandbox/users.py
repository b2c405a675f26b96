"""End users of edition 2: quotas, spending, warnings; and the organisation's settings for them."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from relai_tui.sandbox.instants import iso
from relai_tui.sandbox.refusals import bad_request


@dataclass(slots=True)
class Settings:
    """`GET /orgs/{org}/settings`. Dollars are floats here, as the contract has them."""

    default_user_monthly_quota_dollars: float | None = None
    default_user_daily_quota_dollars: float | None = None
    default_alert_threshold: float = 0.8
    low_balance_threshold_dollars: float = 5.0

    def listed(self) -> dict[str, Any]:
        """The settings as the wire shows them."""
        return asdict(self)

    def change(self, body: dict[str, Any]) -> None:
        """Take over what a PATCH sends. Raises Refusal for values of the wrong kind; then nothing changes."""
        known = {field.name for field in fields(self)}
        nullable = {"default_user_monthly_quota_dollars", "default_user_daily_quota_dollars"}
        changes = {name: _amount(body, name, nullable=name in nullable) for name in known & body.keys()}
        for name, value in changes.items():
            setattr(self, name, value)


@dataclass(slots=True)
class EndUser:
    """One end user; None as a quota means no limit, None as a threshold means the organisation's."""

    id: str
    external_id: str
    created_at: float
    monthly_quota_dollars: float | None = None
    daily_quota_dollars: float | None = None
    alert_threshold: float | None = None

    def change(self, body: dict[str, Any]) -> None:
        """Take over the quotas and threshold a request sends. Raises Refusal; then nothing changes."""
        known = {"monthly_quota_dollars", "daily_quota_dollars", "alert_threshold"}
        changes = {name: _amount(body, name, nullable=True) for name in known & body.keys()}
        for name, value in changes.items():
            setattr(self, name, value)

    def listed(self, spent_month_micro: int, spent_day_micro: int) -> dict[str, Any]:
        """The user as `GET /users/{external_id}` shows it; the spending is given in micro-dollars."""
        return {
            "id": self.id,
            "external_id": self.external_id,
            "monthly_quota_dollars": self.monthly_quota_dollars,
            "daily_quota_dollars": self.daily_quota_dollars,
            "alert_threshold": self.alert_threshold,
            "monthly_spend_dollars": spent_month_micro / 1_000_000,
            "daily_spend_dollars": spent_day_micro / 1_000_000,
            "created_at": iso(self.created_at),
        }

    def shares(self, spent_month_micro: int, spent_day_micro: int) -> list[tuple[str, float]]:
        """How much of each quota is used: `("monthly", 0.85)`; periods without a quota are left out."""
        periods = (
            ("monthly", spent_month_micro, self.monthly_quota_dollars),
            ("daily", spent_day_micro, self.daily_quota_dollars),
        )
        return [
            (period, 1.0 if quota <= 0 else spent / (quota * 1_000_000))
            for period, spent, quota in periods
            if quota is not None
        ]


def warning(period: str, share: float) -> dict[str, Any]:
    """One of `relai.warnings`: this share (0 to 1) of the period's quota is used."""
    return {
        "code": f"{period}_quota_near",
        "message": f"{share:.0%} of the {period} quota is used.",
        "period": period,
        "percent": round(share, 4),
    }


def _amount(body: dict[str, Any], name: str, *, nullable: bool) -> float | None:
    value = body[name]
    if value is None and nullable:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise bad_request(f"'{name}' must be a number of at least 0.", name)
    return value
