"""The peers that we are measured against: what others would build, served as we serve."""
