"""`python -m metastackerbandit` is `msb`."""

from __future__ import annotations

from metastackerbandit.cli.main import main

if __name__ == "__main__":
    main()
