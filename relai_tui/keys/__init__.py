"""The account's API keys without a screen: list, guard, create, revoke, rotate, and remember what was done."""
