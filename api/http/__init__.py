"""HTTP building blocks of the endpoints: bodies, headers, parameters, problems, authentication."""
