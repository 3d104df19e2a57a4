"""Write what derives from the one schema and the catalogue, or say what is stale.

Run: .venv/bin/python -m tools.generate [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "collections"))

from tools import (  # noqa: E402  # need the path
    generate_audits,
    generate_example,
    generate_hardening,
    generate_roles,
    generate_schemas,
    generate_services,
)


def outputs(root: Path) -> dict[Path, str]:
    """Return every generated file with its text."""
    schemas = generate_schemas.outputs(root)
    return {
        **schemas,
        **generate_example.outputs(root),
        **generate_services.outputs(root),
        **generate_hardening.outputs(root),
        **generate_audits.outputs(root),
        **generate_roles.outputs(root, schemas),
    }


def stale(root: Path) -> list[Path]:
    """Return the generated files that are missing or differ from what would be written."""
    return [path for path, text in outputs(root).items() if not path.is_file() or path.read_text() != text]


def main(arguments: list[str] | None = None) -> int:
    """Write the stale files, or with --check only name them and exit with 1."""
    parser = argparse.ArgumentParser(description="Write what derives from the schema and the catalogue.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    check = parser.parse_args(arguments).check
    old = stale(ROOT)
    texts = outputs(ROOT)
    for path in old:
        print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path])
    if check and old:
        print("Run: .venv/bin/python -m tools.generate")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
