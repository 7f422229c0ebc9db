"""The laws of the domain, held."""

from tests.domain import laws


def test_the_codec_round_trips() -> None:
    laws.the_codec_round_trips()


def test_evolving_never_raises() -> None:
    laws.evolving_never_raises()


def test_a_fold_can_resume_at_any_version() -> None:
    laws.a_fold_can_resume_at_any_version()


def test_exactly_the_changed_fields_are_set() -> None:
    laws.exactly_the_changed_fields_are_set()


def test_the_first_event_sets_the_state_fields_it_names() -> None:
    laws.the_first_event_sets_the_state_fields_it_names()


def test_every_changed_field_exists_in_a_state_of_its_module() -> None:
    laws.every_changed_field_exists_in_a_state_of_its_module()
