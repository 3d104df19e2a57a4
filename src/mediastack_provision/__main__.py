"""`mediastack-provision` and `python -m mediastack_provision`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from mediastack_provision.cli import app

    app(prog_name="mediastack-provision")


if __name__ == "__main__":
    main()
