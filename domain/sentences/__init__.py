"""Sentences that say what changed, in the languages of readers."""
