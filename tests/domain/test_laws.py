"""The laws of the domain, held."""

from tests.domain import laws


def test_the_codec_gives_back_what_it_was_given() -> None:
    laws.the_codec_gives_back_what_it_was_given()


def test_evolving_never_raises() -> None:
    laws.evolving_never_raises()


def test_folding_on_from_any_point_is_folding_the_whole() -> None:
    laws.folding_on_from_any_point_is_folding_the_whole()


def test_exactly_the_changed_fields_are_set() -> None:
    laws.exactly_the_changed_fields_are_set()


def test_the_first_event_is_kept_as_it_was_told() -> None:
    laws.the_first_event_is_kept_as_it_was_told()


def test_every_changed_field_exists_in_a_state_of_its_module() -> None:
    laws.every_changed_field_exists_in_a_state_of_its_module()
