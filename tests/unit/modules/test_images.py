"""Which images are pulled, how failures are told, which digest belongs to a reference."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.unit.modules.docker_double import Recorder

from ansible_collections.mediastack.core.plugins.module_utils import image_pull
from ansible_collections.mediastack.core.plugins.module_utils.docker_cli import Output, familiar, pinned, repository_of
from ansible_collections.mediastack.core.plugins.module_utils.image_pull import (
    PullError,
    Wanted,
    check_architecture,
    digest_in,
    explain,
    local,
    pull,
    pull_all,
    wanted_of,
)

MISSING = Output(1, "", "Error: No such image: b:1")
# What engines have really said (20.10 to 28, Docker Hub, ghcr, a plain registry), and what an owner is told.
SAID = [
    ("manifest for 127.0.0.1:5000/x:9 not found: manifest unknown: manifest unknown", "no such tag or digest", 1),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", r"architecture \(amd64\)", 1),
    ("no matching manifest for linux/amd64 in the manifest list entries: no match for platform", "architecture", 1),
    ('Get "https://r/v2/x/manifests/1": unauthorized: authentication required', "wants a login", 1),
    ("pull access denied for x, repository does not exist or may require 'docker login'", "does not exist, or", 1),
    ("failed to register layer: write /usr/lib/x: no space left on device", "no space left on the server's disk", 1),
    ("toomanyrequests: You have reached your unauthenticated pull rate limit.", "limits pulls", 1),
    ('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "does not answer", 3),
    ('Get "https://r/v2/": dial tcp: lookup r on 127.0.0.11:53: no such host', "cannot be resolved", 3),
    (
        'Get "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        "not trusted",
        1,
    ),
    ("invalid reference format: repository name must be lowercase", "not the name of an image", 1),
    ("unexpected EOF", "the pull failed", 3),
]


@pytest.fixture(autouse=True)
def _amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pull, "architecture", lambda: "amd64")


@pytest.mark.parametrize(("said", "told", "tries"), SAID)
def test_each_refusal_names_image_services_and_reason(said: str, told: str, tries: int) -> None:
    recorder, slept = Recorder(("pull", Output(1, "", f"Error response from daemon: {said}"))), []
    text = pull(recorder.docker, Wanted("r/x:9", None, ("radarr", "radarr-4k")), 3, 10, slept.append)
    assert text is not None
    assert text.startswith("r/x:9 (needed by radarr, radarr-4k): ")
    assert re.search(told, text)
    assert said in text
    assert len(recorder.asked) == tries
    assert slept == [2.0, 4.0][: tries - 1]


def test_a_passing_failure_is_tried_again() -> None:
    answers = [Output(1, "", "unexpected EOF"), Output(0, "", "")]
    recorder = Recorder(("pull", lambda _: answers.pop(0)))
    assert pull(recorder.docker, Wanted("x:1"), 3, 10, lambda _: None) is None
    assert len(recorder.asked) == 2


def test_all_failures_are_told_at_once_and_that_nothing_was_touched() -> None:
    recorder = Recorder(("pull --quiet good:1", ""), ("pull", Output(1, "", "manifest unknown")))
    with pytest.raises(PullError) as caught:
        pull_all(recorder.docker, [Wanted("bad:1"), Wanted("good:1"), Wanted("worse:1")], 1, 10)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["bad", "worse"]
    assert lines[-1] == "Nothing that runs was touched."


def test_a_known_digest_is_what_is_asked_for() -> None:
    recorder = Recorder(("", ""))
    pull(recorder.docker, Wanted("r:5000/a/x:1", "sha256:abc"), 1, 10)
    assert recorder.commands("pull") == ["pull --quiet r:5000/a/x@sha256:abc"]


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("x", "x"),
        ("x:1", "x"),
        ("r:5000/x", "r:5000/x"),
        ("r:5000/a/x:1@sha256:d", "r:5000/a/x"),
        ("docker.io/library/x:1", "docker.io/library/x"),
    ],
)
def test_repository_of_a_reference(reference: str, repository: str) -> None:
    assert repository_of(reference) == repository
    assert pinned(reference, "sha256:d") == f"{repository}@sha256:d"


def test_the_digest_of_the_references_own_repository() -> None:
    digests = ["other/x@sha256:1", "qmcgaw/gluetun@sha256:2", "r:5000/qmcgaw/gluetun@sha256:3"]
    assert digest_in(digests, "docker.io/qmcgaw/gluetun:v3") == "sha256:2"
    assert digest_in(digests, "r:5000/qmcgaw/gluetun:v3") == "sha256:3"
    assert digest_in(digests, "ghcr.io/qmcgaw/gluetun:v3") is None
    assert familiar("docker.io/library/caddy") == "caddy"


def test_what_is_here_in_one_question() -> None:
    lines = '["a@sha256:1","r/a@sha256:2"] ["a:1"] amd64\n[] ["b:1"] arm64\n'
    recorder = Recorder(("image inspect", lines))
    found = local(recorder.docker, [Wanted("a:1"), Wanted("b:1")])
    assert found == {"a:1": {"digest": "sha256:1", "arch": "amd64"}, "b:1": {"digest": None, "arch": "arm64"}}
    assert len(recorder.asked) == 1


def test_what_is_missing_is_asked_one_by_one() -> None:
    one = '["a@sha256:1"] ["a:1"] amd64\n'

    def answer(words: list[str]) -> Any:
        return Output(0, one, "") if words[-1] == "a:1" and "b:1" not in words else Output(1, one, MISSING.err)

    recorder = Recorder(("image inspect", answer))
    assert list(local(recorder.docker, [Wanted("a:1"), Wanted("b:1")])) == ["a:1"]


def test_no_image_at_all() -> None:
    assert local(Recorder().docker, []) == {}


def test_an_image_for_another_machine_is_refused() -> None:
    items = [Wanted("a:1", None, ("radarr",)), Wanted("b:1")]
    check_architecture(items, {"a:1": {"arch": "amd64"}, "b:1": {"arch": ""}})
    with pytest.raises(PullError, match=r"a:1 \(needed by radarr\): it is built for arm64, and this server is amd64"):
        check_architecture(items, {"a:1": {"arch": "arm64"}})


def test_one_image_for_several_instances() -> None:
    found = wanted_of(
        [
            {"reference": "a:1", "digest": None, "instances": ["x"]},
            {"reference": "a:1", "digest": "sha256:1", "instances": ["y", "x"]},
        ]
    )
    assert found == [Wanted("a:1", "sha256:1", ("x", "y"))]


def test_the_first_matching_reason_counts() -> None:
    meaning, again = explain("write: no space left on device (connection refused)", "amd64")
    assert (meaning.startswith("no space"), again) == (True, False)
