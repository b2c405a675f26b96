"""The account's money: readings, spending, usage, ledger, receipts; with no screen."""
