"""OpenAPI: the description of every operation, derived from the endpoints and the code that they call.

A new endpoint is described automatically. Its summary is the first line of its text, its tag the beginning of its
module's (`Members over HTTP.`), its types come from its signature. Its problems are those that its code, its command
and the path of every command raise (`call_graph`); its headers those that `preconditions` reads and writes for it.
Exceptions are declared at the endpoint: `responses` for other statuses, `response_headers` for its own headers. An
example is declared at the type of a field, as `Meta(examples=[...])`, or by the name of the field in
`examples.EXAMPLE_BY_FIELD`.
"""
