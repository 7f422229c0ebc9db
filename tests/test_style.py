"""STYLE.md names every package of the layers that have several, and no other."""

import re
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import api
import infra

STYLE = Path(__file__).parents[1] / "STYLE.md"


@pytest.mark.parametrize("layer", [api, infra])
def test_the_table_of_a_layer_names_its_packages(layer: ModuleType) -> None:
    name = layer.__name__
    (table,) = re.findall(rf"^\| package of `{name}/` \|.*\n\|[-|]+\n((?:\|.*\n)+)", STYLE.read_text(), re.MULTILINE)
    named = re.findall(r"`(\w+)/`", "".join(row.split("|")[1] for row in table.splitlines()))
    packages = [module.name for module in iter_modules(layer.__path__) if module.ispkg]
    assert sorted(named) == sorted(packages)
