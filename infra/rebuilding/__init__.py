"""Rebuilds: fold the whole log into a new build beside the serving one, in this process or as a queued job."""
