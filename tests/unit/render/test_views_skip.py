"""When a run has nothing to pull or record, it does not ask the server to look."""

from __future__ import annotations

from ansible_collections.mediastack.core.plugins.filter.views import all_pulled, recorded

IMAGE = {"reference": "a/b:1", "digest": "sha256:11", "instances": ["b"]}
RECORD = {"stack": {"host": "x"}, "digests": {"a/b:1": "sha256:11"}, "files": {}, "services": {}}


def test_an_image_in_use_by_its_digest_is_there() -> None:
    assert all_pulled([IMAGE], [{"image": "a/b:1@sha256:11"}])


def test_an_image_without_a_digest_or_a_container_may_be_missing() -> None:
    assert not all_pulled([{**IMAGE, "digest": None}], [{"image": "a/b:1"}])
    assert not all_pulled([IMAGE], [{"image": "a/b:1@sha256:22"}])
    assert not all_pulled([IMAGE], [])


def test_a_record_counts_by_its_content() -> None:
    assert recorded(RECORD, {**RECORD, "id": "2026-11-21.1", "created": "then"})
    assert not recorded(RECORD, {**RECORD, "services": {"b": {}}})
    assert not recorded(RECORD, None)
