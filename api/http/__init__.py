"""The words of HTTP: bodies, headers, parameters, problems, and what an answer says."""
