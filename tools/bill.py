"""The bill of materials: every package of requirements.lock with its hashes, as CycloneDX JSON.

COMMAND: python -m tools.bill > bill.json

It follows from the lock alone, so that the same lock gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from lcgan_core.run.artefacts import REPOSITORY

PACKAGE = re.compile(r"([\w.-]+)==(\S+)(?: *; *(.*\S))?")


def bill(lock: str) -> dict[str, Any]:
    """The bill of a lock file's text."""
    content = hashlib.sha256(lock.encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "lcgan-core",
                "name": "lcgan-core",
                "version": version("lcgan-core"),
            }
        },
        "components": list(components(lock)),
    }


def components(lock: str) -> Iterator[dict[str, Any]]:
    """A component for each package; a condition under which it is installed is a property.

    >>> [each["purl"] for each in components("yte==1.9.4 ; python_version == '3.12' \\\\\\n")]
    ['pkg:pypi/yte@1.9.4']
    """
    for line in lock.replace("\\\n", "").splitlines():
        said, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        if not (found := PACKAGE.fullmatch(said)):
            continue  # a comment
        name, number, condition = found.groups()
        purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{number}"
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": number,
        }
        component["purl"] = purl
        component["hashes"] = [{"alg": "SHA-256", "content": content} for content in hashes]
        if condition:
            component["properties"] = [{"name": "lcgan:condition", "value": condition}]
        yield component


if __name__ == "__main__":
    print(json.dumps(bill((REPOSITORY / "requirements.lock").read_text()), indent=1))
