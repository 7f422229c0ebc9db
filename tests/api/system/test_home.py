"""The home page: every address on it answers without a token, and every open address is on it."""

import re

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_home_page_leads_to_what_there_is(client: httpx.AsyncClient) -> None:
    page = await client.get("http://test/")
    assert page.status_code == 200
    addresses = re.findall(r"<a href=([^>]+)>", page.text)
    assert set(addresses) == {"/docs", "/openapi.json", "/problems", "/schemas/events", "/health"}
    for address in addresses:
        assert (await client.get(f"http://test{address}")).status_code == 200, address
    assert "/api/v1" in page.text


async def test_programs_find_the_description_in_the_link_header(client: httpx.AsyncClient) -> None:
    links = (await client.get("http://test/")).headers["link"]
    found = dict(re.findall(r'<([^>]+)>; rel="([a-z-]+)"', links))
    assert found == {"/docs": "service-doc", "/openapi.json": "service-desc", "/health": "status"}
