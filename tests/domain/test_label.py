"""A label: its name is case-insensitive, and each workspace has its own."""

from domain.event import Change, fold
from domain.label import Label, LabelColoured, distinct_labels, label_stream_id, normalize_label, remove_label
from tests.examples import LABEL_COLOURED, OTHER_WORKSPACE, WORKSPACE


def test_a_label_has_its_last_colour_under_the_name_that_it_had_first() -> None:
    blue = LabelColoured("SHOP", Change("#cc3300", "#0033cc"))
    assert fold(Label, [LABEL_COLOURED, blue]) == Label("Shop", "#0033cc")


def test_a_label_is_one_in_any_case_of_letters_on_a_stream_that_no_client_can_name() -> None:
    assert (
        label_stream_id(WORKSPACE, "Shop") == label_stream_id(WORKSPACE, "SHOP") != label_stream_id(WORKSPACE, "shops")
    )
    assert label_stream_id(WORKSPACE, "Shop") != label_stream_id(OTHER_WORKSPACE, "Shop")
    assert label_stream_id(WORKSPACE, "Shop").version == 5


def test_a_label_is_one_however_its_letters_are_composed() -> None:
    composed, decomposed = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    assert label_stream_id(WORKSPACE, composed) == label_stream_id(WORKSPACE, decomposed)
    assert distinct_labels([composed, decomposed]) == (composed,)
    assert remove_label([composed, "shop"], decomposed) == ("shop",)


def test_a_label_is_one_whatever_spaces_are_in_it() -> None:
    for name in (" two words", "TWO  WORDS ", "two\u00a0words", "Two\u2009\tWords"):
        assert normalize_label(name) == "two words"
        assert label_stream_id(WORKSPACE, name) == label_stream_id(WORKSPACE, "Two Words")
    assert distinct_labels(["X", " x "]) == ("X",)
    assert remove_label(["Two words", "other"], "TWO   WORDS") == ("other",)


def test_of_equal_labels_the_first_spelling_stays() -> None:
    assert distinct_labels(["Urgent", "shop", "URGENT", "Shop", "soon"]) == ("Urgent", "shop", "soon")


def test_without_a_label_the_others_stay_as_they_are() -> None:
    assert remove_label(("Urgent", "shop", "URGENT"), "urgent") == ("shop",)
    assert remove_label(("shop",), "soon") == ("shop",)
