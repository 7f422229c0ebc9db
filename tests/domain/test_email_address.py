"""The rule by which two spellings are one e-mail address."""

import pytest

from domain.email_address import are_same_email, former_stream_ids, has_valid_domain, normalize_email

ONE_ADDRESS = [
    ("Ann@Example.COM", "ann@example.com"),
    ("r\u00e9ne@example.com", "re\u0301ne@example.com"),
    ("R\u00c9NE@example.com", "re\u0301ne@example.com"),
    ("ann@fa\u00df.de", "ann@xn--fa-hia.de"),
    ("ann@FA\u1e9e.de", "ann@fa\u00df.de"),
    ("ann@b\u00fccher.example", "ann@bu\u0308cher.example"),
    ("ann@B\u00dcCHER.example", "ann@xn--bcher-kva.example"),
    ("ann@\uff45xample.com", "ann@example.com"),
    ("\u0410\u043d\u043d\u0430@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "анна@xn--e1afmkfd.xn--p1ai"),
]
TWO_ADDRESSES = [
    ("a@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "a@\u0646\u0627\u0645\u0647\u0627\u06cc.com"),
    ("ann@fa\u00df.de", "ann@fass.de"),
    ("stra\u00dfe@example.com", "strasse@example.com"),
    ("ann@example.com", "anna@example.com"),
    ("ann+list@example.com", "ann@example.com"),
    ("\u0430nn@example.com", "ann@example.com"),
    ("\ufb01n@example.com", "fin@example.com"),
]


@pytest.mark.parametrize(("one", "other"), ONE_ADDRESS)
def test_spellings_of_one_address_are_the_same(one: str, other: str) -> None:
    assert are_same_email(one, other)


@pytest.mark.parametrize(("one", "other"), TWO_ADDRESSES)
def test_two_addresses_stay_two(one: str, other: str) -> None:
    assert not are_same_email(one, other)


@pytest.mark.parametrize("email", [spelling for pair in (*ONE_ADDRESS, *TWO_ADDRESSES) for spelling in pair])
def test_the_one_spelling_is_its_own(email: str) -> None:
    assert normalize_email(normalize_email(email)) == normalize_email(email)


@pytest.mark.parametrize("domain", ["a_b.example", "-a.example", "a..b", "b" * 64, "\U0001f4a9.la", "xn--zz-zz.de", ""])
def test_a_domain_that_cannot_exist_is_invalid_but_still_compared(domain: str) -> None:
    assert not has_valid_domain(f"ann@{domain}")
    assert are_same_email(f"Ann@{domain.upper()}", f"ann@{domain}")


@pytest.mark.parametrize("text", ["", "@", "ann", "a\0@b", "' or 1=1 --", "\ud800@example.com"])
def test_any_text_can_be_compared(text: str) -> None:
    assert are_same_email(text, text)
    assert not are_same_email(text, "ann@example.com")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ann@example.com", "ANN@example.com"),
        ("r\u00e9ne@example.com", "re\u0301ne@example.com"),
        ("re\u0301ne@example.com", "r\u00e9ne@example.com"),
        ("ann@xn--bcher-kva.example", "ann@b\u00fccher.example"),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_a_reservation_under_the_former_rule_is_found_from_another_spelling(typed: str, stored: str) -> None:
    assert former_stream_ids(stored)[0] in former_stream_ids(typed)
