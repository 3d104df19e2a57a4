"""What holds for all choices, not only for examples."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.mediastack.core.plugins.module_utils.nearest import nearest
from ansible_collections.mediastack.core.plugins.plugin_utils.catalogue import load
from ansible_collections.mediastack.core.plugins.plugin_utils.choices import deep_merge, from_variables, merge
from ansible_collections.mediastack.core.plugins.plugin_utils.errors import ChoicesError
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver import resolve
from ansible_collections.mediastack.core.plugins.plugin_utils.resolver.networks import addresses
from ansible_collections.mediastack.core.plugins.plugin_utils.schema import CHOICES_RECORD, SERVICE_VARIABLES
from ansible_collections.mediastack.core.plugins.plugin_utils.validate import check

CATALOGUE = load([Path(__file__).parents[3] / "roles"])
NET = IPv4Network("172.31.240.0/24")
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,3})?", fullmatch=True)
PLAIN = ["radarr", "sonarr", "prowlarr", "jellyfin", "flaresolverr", "qbittorrent", "seerr"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
INSTANCE = st.fixed_dictionaries(
    {"service": st.sampled_from(PLAIN)},
    optional={
        "zone": st.sampled_from(["vpn", "apps", "proxied", "host"]),
        "publish": st.sampled_from(["auto", "none", "lan", "loopback"]),
        "ports": st.fixed_dictionaries({"web": st.integers(7000, 7010)}),
    },
)


def resolved(variables: dict[str, Any]) -> Any:
    """Return the Stack, or None where the choices are refused with a reason; anything else is a failure."""
    reasons: list[str] = []
    stacks: Any = {}
    try:
        stacks = resolve(CATALOGUE, {"nas": from_variables(variables)})
    except ChoicesError as error:
        reasons = [problem.text for problem in error.problems]
    assert bool(stacks) != bool(reasons)
    assert all(reasons)
    return stacks.get("nas")


@given(st.sets(NAMES, min_size=1, max_size=60), NAMES)
def test_a_new_instance_moves_no_service_of_the_catalogue(names: set[str], new: str) -> None:
    known = sorted(names)
    before = addresses(NET, known, known)
    after = addresses(NET, [*known, new], known)
    assert {name: after[name] for name in known} == before


@given(st.sets(NAMES, min_size=2, max_size=60), st.data())
def test_switching_off_moves_nothing(names: set[str], data: st.DataObject) -> None:
    known = sorted(names)
    some = data.draw(st.sets(st.sampled_from(known), min_size=1))
    assert addresses(NET, some, known).items() <= addresses(NET, known, known).items()


@given(st.sets(NAMES, max_size=200), st.sets(NAMES, max_size=40))
def test_addresses_are_unique_and_usable(names: set[str], known: set[str]) -> None:
    given_ = addresses(NET, names, known)
    assert set(given_) == names
    assert len(set(given_.values())) == len(names)
    assert not {str(NET[0]), str(NET[1]), str(NET[255])} & set(given_.values())


@given(st.permutations(["gluetun", "radarr", "sonarr", "films", "caddy", "x1", "x2", "x3"]))
def test_addresses_do_not_depend_on_order(names: list[str]) -> None:
    assert addresses(NET, names) == addresses(NET, sorted(names))


@given(st.dictionaries(NAMES, INSTANCE, max_size=12), st.booleans())
def test_no_two_instances_listen_on_one_port(instances: dict[str, Any], edge: bool) -> None:
    assume("gluetun" not in instances)
    variables: dict[str, Any] = {
        "mediastack_services": {**instances, "gluetun": {"provider": "mullvad"}},
        "mediastack_edge": {"proxy": "caddy", "domain": "home.example"} if edge else {},
    }
    stack = resolved(variables)
    assume(stack is not None)
    assert stack
    outside, inside = [], []
    for one in stack["instances"].values():
        for port in one["ports"]:
            space = {"host": "host", "container": one["gateway"]}.get(one["network"]["mode"], one["name"])
            inside.append((space, port["listen"], port["protocol"]))
            if port["publish"]:
                outside.append((port["publish"]["port"], port["protocol"]))
            elif space == "host":
                outside.append((port["listen"], port["protocol"]))
    assert len(outside) == len(set(outside))
    assert len(inside) == len(set(inside))
    assert json.loads(json.dumps(stack)) == stack


@given(st.lists(st.tuples(st.sampled_from(SERVICE_VARIABLES), NAMES, st.sampled_from(["zone", "tag"])), max_size=8))
def test_variables_of_one_layer_merge_in_any_order(entries: list[tuple[str, str, str]]) -> None:
    layer: dict[str, Any] = {}
    for variable, name, key in entries:
        layer.setdefault(variable, {}).setdefault(name, {})[key] = f"{name}-{key}"
    turned = dict(reversed(layer.items()))
    assert merge([layer]).instances == merge([turned]).instances
    assert merge([layer]).problems == merge([turned]).problems == []


@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(NAMES, JSON, max_size=4))
def test_merging_keeps_what_the_top_does_not_say(base: dict[str, Any], top: dict[str, Any]) -> None:
    merged = deep_merge(base, top)
    assert set(merged) == set(base) | set(top)
    assert deep_merge(merged, top) == merged
    for key, value in merged.items():
        if key not in top:
            assert value == base[key]
        elif not (isinstance(top[key], dict) and isinstance(base.get(key), dict)):
            assert value == top[key]


@given(
    st.dictionaries(st.sampled_from([*SERVICE_VARIABLES, "mediastack_media", "mediastack_edge", "mediastack_x"]), JSON)
)
def test_whatever_stands_there_resolves_or_says_why(variables: dict[str, Any]) -> None:
    resolved(variables)


@given(
    st.dictionaries(
        st.sampled_from(PLAIN),
        st.dictionaries(
            st.sampled_from(
                [
                    "zone",
                    "ports",
                    "web",
                    "needs",
                    "secrets",
                    "volumes",
                    "files",
                    "health",
                    "limits",
                    "environment",
                    "compose",
                    "labels",
                    "hardening",
                    "enabled",
                    "host",
                    "address",
                    "excludes",
                    "offers",
                    "workload",
                    "user",
                    "image",
                    "layer",
                ]
            ),
            JSON,
        ),
    )
)
def test_whatever_is_overridden_resolves_or_says_why(instances: dict[str, Any]) -> None:
    resolved({"mediastack_services": instances})


@given(JSON)
def test_the_judge_never_stumbles(value: Any) -> None:
    check(CHOICES_RECORD, value)


@given(st.sampled_from(PLAIN), st.integers(0, 5), st.characters(codec="ascii", categories=["Ll"]))
def test_one_wrong_letter_is_forgiven(name: str, at: int, letter: str) -> None:
    wrong = name[:at] + letter + name[at + 1 :]
    assert nearest(wrong, PLAIN) == name or wrong in PLAIN
