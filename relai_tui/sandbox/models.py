"""The sandbox's models, their prices and aliases.

The ids and owners look like those of a real gateway; nothing stands behind them but `relai_tui.sandbox.script`.
"""

from dataclasses import dataclass

TOKENS_PER_PRICE = 1_000_000
"""Prices are micro-dollars for this many tokens."""


@dataclass(frozen=True, slots=True)
class Model:
    """One line of the price list."""

    id: str
    owned_by: str
    price_in: int
    """Micro-dollars for a million prompt tokens."""
    price_out: int
    """Micro-dollars for a million completion tokens."""
    regions: tuple[str, ...] = ("eu", "us")

    def cost_micro(self, tokens_in: int, tokens_out: int) -> int:
        """The price in micro-dollars, rounded up to a whole one; exact integer arithmetic."""
        return -(-(tokens_in * self.price_in + tokens_out * self.price_out) // TOKENS_PER_PRICE)


MODELS: tuple[Model, ...] = (
    Model("claude-opus-4.7", "anthropic", 5_000_000, 25_000_000),
    Model("claude-sonnet-4.6", "anthropic", 3_000_000, 15_000_000),
    Model("claude-haiku-4.5", "anthropic", 1_000_000, 5_000_000),
    Model("gpt-5.2", "openai", 1_750_000, 14_000_000),
    Model("gpt-5-mini", "openai", 250_000, 2_000_000),
    Model("gemini-3-pro", "google", 2_000_000, 12_000_000),
    Model("gemini-3-flash", "google", 300_000, 2_500_000),
    Model("mistral-large-3", "mistral", 500_000, 1_500_000),
    Model("devstral-2", "mistral", 400_000, 2_000_000),
    Model("deepseek-v3.2", "deepseek", 280_000, 420_000),
    Model("qwen3-235b-a22b-thinking-2507", "alibaba", 230_000, 2_300_000),
    Model("llama-4-maverick", "meta", 270_000, 850_000, regions=("us",)),
)
"""The list of `GET /models`. `llama-4-maverick` is listed everywhere and answers in the US only."""

BY_ID = {model.id: model for model in MODELS}

ALIASES: dict[str, str] = {
    "smart": "claude-sonnet-4.6",
    "fast": "claude-haiku-4.5",
    "cheap": "deepseek-v3.2",
    "best": "claude-opus-4.7",
    "code": "devstral-2",
    "chat/cheapest": "deepseek-v3.2",
    "code/cheapest": "devstral-2",
    "reasoning/cheapest": "qwen3-235b-a22b-thinking-2507",
    "vision/cheapest": "gemini-3-flash",
}
"""What may be asked instead of an id. They are not in the list of models, as on the real service."""

EDITION_1_ALIASES = frozenset({"smart", "fast", "cheap"})
"""The aliases of the first contract; the others came with edition 2."""


def resolve(name: str, *, edition: int = 2) -> Model | None:
    """The model behind an id or an alias; None when there is no such model in this edition."""
    if name in ALIASES and (edition > 1 or name in EDITION_1_ALIASES):
        return BY_ID[ALIASES[name]]
    return BY_ID.get(name)
