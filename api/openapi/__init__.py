"""OpenAPI: the description of every operation, read from the handlers and from the code that they come to.

A new route is described by being there. Its sentence is the first of its docstring, its tag the beginning of its
module's (`Members over HTTP.`), its types stand in its signature. Its problems are those that its code, its command's
rule and the path of every command raise (`reach`); its headers those that `conditions` reads and writes for it. What
it says by itself stands at the handler: `responses` for other statuses, `response_headers` for headers of its own,
`opt={"refuses": (429,)}` for a status that no code of ours raises. An example stands at the type of a field, as
`Meta(examples=[...])`, or by the name of the field in `examples.NAMED`.
"""
