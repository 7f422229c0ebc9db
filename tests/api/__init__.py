"""The contract, over HTTP against real servers, in this process."""
