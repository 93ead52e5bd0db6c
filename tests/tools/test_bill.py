"""The bill of materials has every package of the lock, in the form that CycloneDX asks for."""

import re
import uuid

from lcgan_core.run.artefacts import REPOSITORY
from tools.bill import bill

LOCK = (REPOSITORY / "requirements.lock").read_text()


def test_every_package_with_every_hash_is_in_it():
    made = bill(LOCK)["components"]
    lines = re.findall(r"^(\S+)==([^ ;\\]+)", LOCK, re.M)
    assert [(each["name"], each["version"]) for each in made] == lines and len(made) > 200
    hashes = [h["content"] for each in made for h in each["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", LOCK))
    assert all(each["hashes"] for each in made)
    conditions = {each["name"]: each.get("properties", [{}])[0].get("value") for each in made}
    assert conditions["aiohttp"] == "python_full_version == '3.12.*'"
    assert conditions["numpy"] is None


def test_what_the_format_requires_is_there():
    """As bom-1.6.schema.json has it: required fields, patterns and unique references."""
    made = bill(LOCK)
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(made["serialNumber"].removeprefix("urn:uuid:"))
    references = [made["metadata"]["component"]["bom-ref"]]
    for each in made["components"]:
        assert {"type", "name"} <= each.keys() and each["type"] == "library"
        assert re.fullmatch(r"pkg:pypi/[a-z0-9-]+@\S+", each["purl"])
        references.append(each["bom-ref"])
    assert len(set(references)) == len(references)


def test_the_same_lock_gives_the_same_bill():
    assert bill(LOCK) == bill(LOCK) != bill(LOCK + "# another\n")
