"""Text files from Jinja2 templates: strict (an unknown name is an error) and without Ansible's own additions.

The environment is ours and small on purpose: values of the Stack are data, never templates themselves.
"""

from __future__ import annotations

import posixpath
import string
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

if TYPE_CHECKING:
    from collections.abc import Iterable

MANAGED = "Managed by mediastack: written from the inventory, changes made here are undone by the next apply."
SEED = "Written once by mediastack before the first start; the application owns it since."


class TemplateError(ValueError):
    """A template that is missing or asks for what the Stack does not have."""


class UnsafeValueError(TemplateError):
    """A value that would change the meaning of the file it goes into."""


def environment(folders: Iterable[str]) -> jinja2.Environment:
    """Return the environment that finds templates in `folders` as `<role>/<template>`."""
    env = jinja2.Environment(
        loader=_RoleLoader([Path(folder) for folder in folders]),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # plain text; each format has its own quoting filter
    )
    env.filters["one_line"] = one_line
    env.filters["toml"] = toml_string
    env.filters["qt"] = qt_string
    env.filters["caddy"] = caddy_string
    env.globals["managed"] = MANAGED
    env.globals["seed"] = SEED
    return env


class _RoleLoader(jinja2.BaseLoader):
    """Find `<role>/<template>` as `<roles folder>/<role>/templates/<template>`."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Any]:  # noqa: ARG002
        """Return the text and path of a template."""
        role, _, name = template.partition("/")
        candidates = [folder / role / "templates" / name for folder in self.folders]
        for candidate in candidates:
            if candidate.is_file():
                return candidate.read_text(encoding="utf-8"), str(candidate), None
        raise jinja2.TemplateNotFound(template, f"none of {', '.join(map(str, candidates))} exists")


def render_text(env: jinja2.Environment, role: str, template: str, values: dict[str, Any]) -> str:
    """Return the text of `template` of `role`.

    Raises TemplateError naming the template and what is wrong with it.
    """
    try:
        return env.get_template(posixpath.join(role, template)).render(values)
    except UnsafeValueError:
        raise
    except jinja2.TemplateError as error:
        raise TemplateError(f"{role}/templates/{template}: {error}") from error


def one_line(value: Any) -> str:
    """Return `value` as text; a line break or a control character would start another setting."""
    text = str(value)
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise UnsafeValueError(f"{text!r} has a line break or control character, which this file cannot hold.")
    return text


def toml_string(value: Any) -> str:
    """Return `value` as a TOML basic string, quotes included."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in text) + '"'


def qt_string(value: Any) -> str:
    """Return `value` as a quoted string of Qt's INI dialect, where an unquoted `;` or `,` would end it."""
    result = ""
    after_hex = False  # \x takes as many hexadecimal digits as follow, so such a digit is escaped as well
    for character in str(value):
        if character in '"\\':
            result, after_hex = result + "\\" + character, False
        elif " " <= character <= "~" and not (after_hex and character in string.hexdigits):
            result, after_hex = result + character, False
        else:
            units = character.encode("utf-16-be")
            pairs = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
            result, after_hex = result + "".join(f"\\x{pair}" for pair in pairs), True
    return f'"{result}"'


def caddy_string(value: Any) -> str:
    """Return `value` as one quoted Caddyfile token; braces would be placeholders."""
    text = one_line(value)
    if "{" in text or "}" in text:
        raise UnsafeValueError(f"{text!r} has a brace, which the Caddyfile reads as a placeholder.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
