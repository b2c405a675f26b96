"""A local Relai: a development double for the demo and the tests. It imports nothing of this program."""
