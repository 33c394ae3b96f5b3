"""Built once for all tests of this folder."""

from collections.abc import Callable

import pytest

from .artifacts import Environment, Wheel, build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    return build("wheel:standard", tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def editables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """What `pip install -e` installs: wheels that hold a .pth file."""
    return build("wheel:editable", tmp_path_factory.mktemp("editables"))


@pytest.fixture(scope="session")
def installed(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """installed("candle-nn"): an environment that has it and what it declares, siblings from our wheels."""
    environments: dict[str, Environment] = {}

    def with_siblings(name: str) -> set[str]:
        return {name}.union(*(with_siblings(each.name) for each in wheels[name].requirements if each.name in wheels))

    def environment(name: str) -> Environment:
        if name not in environments:
            environments[name] = Environment.create(tmp_path_factory.mktemp(name))
            environments[name].pip("install", *(wheels[each].path for each in with_siblings(name)))
        return environments[name]

    return environment
