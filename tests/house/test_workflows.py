"""GitHub's workflows: actions pinned by hash, and no job may do more than it has to."""

import re

import pytest
import yaml

from .test_house import ROOT

WORKFLOWS = {path.name: path for path in (ROOT / ".github/workflows").glob("*.yml")}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_hash_and_only_publishing_writes(name):
    workflow = yaml.safe_load(WORKFLOWS[name].read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job, content in workflow["jobs"].items():
        if job != "publish":
            assert "permissions" not in content
        for step in content["steps"]:
            assert re.search(r"@[0-9a-f]{40}$", step.get("uses", "@" + "0" * 40)), step
