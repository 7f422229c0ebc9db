"""A label: the same in any case of letters, and another in another workspace."""

from domain.event import Change, fold
from domain.label import Label, LabelColoured, distinct, label_of, without
from tests.examples import COLOURED, OTHER_WORKSPACE, WORKSPACE


def test_a_label_has_its_last_colour_under_the_name_that_it_had_first() -> None:
    blue = LabelColoured("SHOP", Change("#cc3300", "#0033cc"))
    assert fold(Label, [COLOURED, blue]) == Label("Shop", "#0033cc")


def test_a_label_is_one_in_any_case_of_letters_on_a_stream_that_no_client_can_name() -> None:
    assert label_of(WORKSPACE, "Shop") == label_of(WORKSPACE, "SHOP") != label_of(WORKSPACE, "shops")
    assert label_of(WORKSPACE, "Shop") != label_of(OTHER_WORKSPACE, "Shop")
    assert label_of(WORKSPACE, "Shop").version == 5


def test_a_label_is_one_however_its_letters_are_composed() -> None:
    composed, decomposed = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    assert label_of(WORKSPACE, composed) == label_of(WORKSPACE, decomposed)
    assert distinct([composed, decomposed]) == (composed,)
    assert without([composed, "shop"], decomposed) == ("shop",)


def test_of_labels_that_are_the_same_the_first_stays() -> None:
    assert distinct(["Urgent", "shop", "URGENT", "Shop", "soon"]) == ("Urgent", "shop", "soon")


def test_without_a_label_the_others_stay_as_they_are() -> None:
    assert without(("Urgent", "shop", "URGENT"), "urgent") == ("shop",)
    assert without(("shop",), "soon") == ("shop",)
