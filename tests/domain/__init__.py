"""Tests of the domain: events, states and filters."""
