"""What leaves the installation: mail."""
