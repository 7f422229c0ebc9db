"""The peers that Taskledger is compared with: what other teams would build, served in the same way."""
