"""`python -m relai_tui` is the same program as `relai-tui`."""

from relai_tui.cli import main

if __name__ == "__main__":
    main()
