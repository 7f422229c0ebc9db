"""The endpoints of the installation itself: health, metrics, documentation, problem pages, event schemas."""
