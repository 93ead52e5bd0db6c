"""Methods are chosen by name; one that does not do what its protocol says is refused by name."""

import inspect
import subprocess
import sys
from functools import partial

import pytest

from lcgan_core.errors import UserError
from lcgan_core.generators import base as generators
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.methods import Method
from lcgan_core.segmenters import base as segmenters

PROTOCOLS = {
    "GENERATORS": (generators.Generator, partial(generators.generator, size=64, classes=2)),
    "SEGMENTERS": (segmenters.Segmenter, partial(segmenters.segmenter, classes=2)),
}
"""Each registry's protocol, and what makes a method by its name and a profile."""
MEMBERS = [
    (registry, name, inspect.isfunction(vars(protocol).get(name)))
    for registry, (protocol, _) in PROTOCOLS.items()
    for name in vars(protocol) | inspect.get_annotations(protocol)
    if not name.startswith("_")
]
"""Registry, name, and whether it is a function: what the protocols themselves list."""


def test_every_member_of_the_two_protocols_is_asked_for_below():
    assert sorted(MEMBERS) == [
        ("GENERATORS", "fit", True), ("GENERATORS", "paint", True),
        ("SEGMENTERS", "features", True), ("SEGMENTERS", "initialisation", False),
        ("SEGMENTERS", "load", True), ("SEGMENTERS", "schedule", True),
        ("SEGMENTERS", "segment", True), ("SEGMENTERS", "task", True),
    ]  # fmt: skip


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Register the class `Mine` of a file of one's own as `mine`."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(registry, text, place="outside_method:Mine"):
        (tmp_path / "outside_method.py").write_text(text)
        sys.modules.pop("outside_method", None)
        monkeypatch.setitem(getattr(methods, registry), "mine", Method(place))

    yield write
    sys.modules.pop("outside_method", None)


@pytest.mark.parametrize(("registry", "lacking", "function"), MEMBERS)
def test_a_method_without_a_member_of_its_protocol_is_refused(registry, lacking, function, written):
    has = [
        f"    def {name}(self): ..." if is_function else f"    {name} = None"
        for of, name, is_function in MEMBERS
        if of == registry and name != lacking
    ]
    written(registry, "\n".join(["class Mine:", *has]))
    _, make = PROTOCOLS[registry]
    with pytest.raises(UserError) as error:
        make("mine", config=profiles.load("quick"))
    said = str(error.value)
    assert said.startswith("Mine in ") and "outside_method.py" in said
    assert f"lacks the {'function' if function else 'attribute'} {lacking};" in said
    assert "\n" not in said


@pytest.mark.parametrize("registry", PROTOCOLS)
@pytest.mark.parametrize(
    "place", ["outside_method:Other", "no_such_module:Mine", "outside_method.inner:Mine"]
)
def test_a_line_that_leads_nowhere_is_refused(registry, place, written):
    written(registry, "class Mine: ...", place)
    with pytest.raises(UserError, match=rf"^{place} cannot be loaded \(.*\); correct its line\.$"):
        PROTOCOLS[registry][1]("mine", config=profiles.load("quick"))


@pytest.mark.parametrize("text", ["import no_such_module", "from torch import nowhere", "def f("])
def test_a_file_that_cannot_be_imported_is_refused(text, written):
    written("GENERATORS", text)
    with pytest.raises(UserError, match=r"^outside_method:Mine cannot be loaded \(.*\); correct"):
        generators.generator("mine", profiles.load("quick"), 64, 2)


@pytest.mark.parametrize("registry", PROTOCOLS)
def test_the_shipped_methods_do_what_their_protocol_says(registry):
    _, make = PROTOCOLS[registry]
    for name in getattr(methods, registry):
        made = make(name, config=profiles.load("quick"))
        for of, member, function in MEMBERS:
            assert of != registry or callable(getattr(made, member)) == function


def test_every_method_is_there_and_reads_settings_of_the_profile():
    config = profiles.load("quick").model_dump()
    for registry in (methods.GENERATORS, methods.SEGMENTERS, methods.COPIES, methods.FORMATS):
        for method in registry.values():
            assert callable(methods.load(method))
            for setting in method.settings:
                group, _, inner = setting.partition(".")
                assert group in config and (not inner or inner in config[group])


def test_every_arm_takes_copies_that_there_are():
    kinds = methods.kinds()
    assert len(kinds) == len(set(kinds))
    for arm in ARMS.values():
        assert set(arm.copies) <= set(kinds)
    painted = {kind for kind in kinds if methods.generator_of(kind)}
    assert {methods.generator_of(kind) for kind in painted} == set(methods.GENERATORS)
    own = {methods.kind_of(name) for name in methods.GENERATORS}
    assert len(own) == len(methods.GENERATORS) and own <= painted
    assert set(methods.PAINTED) <= painted
    assert all(methods.generator_of(methods.kind_of(name)) == name for name in methods.GENERATORS)


def test_reading_the_graph_loads_no_network_library():
    code = (
        "import sys; from lcgan_core.protocol import profiles; from lcgan_core.run import plan\n"
        "config = profiles.load('compact')\n"
        "for job in plan.jobs(config): plan.fingerprint(config, job)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600
    )
    assert not {"torch", "pandas", "matplotlib", "scipy", "pydicom"} & set(done.stdout.split())
