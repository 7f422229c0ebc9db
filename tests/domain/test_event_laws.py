"""The laws of events hold."""

from tests.domain import event_laws


def test_the_codec_round_trips() -> None:
    event_laws.the_codec_round_trips()


def test_evolving_never_raises() -> None:
    event_laws.evolving_never_raises()


def test_a_fold_can_resume_at_any_version() -> None:
    event_laws.a_fold_can_resume_at_any_version()


def test_exactly_the_changed_fields_are_set() -> None:
    event_laws.exactly_the_changed_fields_are_set()


def test_the_first_event_sets_the_state_fields_it_names() -> None:
    event_laws.the_first_event_sets_the_state_fields_it_names()


def test_every_changed_field_exists_in_a_state() -> None:
    event_laws.every_changed_field_exists_in_a_state()
