"""The disk: the only importer of sqlite. Conversations, turns and the ledger."""
