"""The routes of the installation itself: health, metrics, documentation, problem pages."""
