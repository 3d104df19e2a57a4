"""mediastack's command line: the playbooks as verbs, with validation, progress and history."""

__version__ = "0.1.0"
