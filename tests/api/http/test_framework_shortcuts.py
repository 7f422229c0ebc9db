"""The shortcuts through the framework: answers stay the same, and what never changes is worked out once."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.testing import TestClient

from api.http import framework_shortcuts
from api.http.framework_shortcuts import take_shortcuts


def application(provided: Callable[[], int]) -> Litestar:
    @get("/constant")
    async def constant(ledger: NamedDependency[str]) -> str:
        if ledger == "broken":
            raise HTTPException(status_code=418)
        return ledger

    @get("/counted")
    async def counted(ledger: NamedDependency[str], count: NamedDependency[int]) -> str:
        return f"{ledger} {count}"

    dependencies = {
        "ledger": Provide(lambda: "the framework's", sync_to_thread=False),
        "count": Provide(provided, sync_to_thread=False),
    }
    return Litestar([constant, counted], dependencies=dependencies, openapi_config=None)


def test_a_constant_is_passed_and_other_dependencies_still_run() -> None:
    counts = iter(range(1, 9))
    app = application(lambda: next(counts))
    take_shortcuts(app, ledger="ours")
    with TestClient(app) as client:
        assert client.get("/constant").text == "ours"
        assert [client.get("/counted").text for _ in range(2)] == ["the framework's 1", "the framework's 2"]


def test_exception_handlers_are_resolved_once_and_still_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = list[Any]()
    original = framework_shortcuts._resolve_exception_handlers  # noqa: SLF001 - to count its calls

    def resolve_and_count(handler: Any) -> Any:
        resolved.append(handler)
        return original(handler)

    monkeypatch.setattr(framework_shortcuts, "_resolve_exception_handlers", resolve_and_count)
    app = application(lambda: 0)
    take_shortcuts(app, ledger="broken")
    with TestClient(app) as client:
        assert [client.get("/constant").status_code for _ in range(3)] == [418] * 3
    assert len(resolved) == 1
