# One command for everything a commit must pass: `make check`.
.PHONY: check format lint types contracts test screenshots

check: format lint types contracts test

format:
	uv run ruff format --check .
lint:
	uv run ruff check .
types:
	uv run mypy
contracts:
	uv run lint-imports
test:
	uv run pytest -n 2
screenshots:
	uv run python screenshots/draw.py
