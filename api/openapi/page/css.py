"""The style sheet of the /docs page, and the policy that lets the page load nothing else."""

import base64
import hashlib
from typing import Final

CSS: Final = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 16%, transparent);
  --soft: color-mix(in srgb, currentColor 6%, transparent); --accent: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --accent: #8ab4ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 13rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 2rem 1rem;
  border-right: 1px solid var(--line); }
nav a { display: block; padding: .15rem 0; color: inherit; text-decoration: none; opacity: .8; }
nav a:hover { color: var(--accent); opacity: 1; }
main { padding: 2rem 3rem 6rem; max-width: 60rem; }
h1 { margin-top: 0; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h4 { margin: 1.2rem 0 .3rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .06em; opacity: .65; }
p { margin: .4rem 0; } a { color: var(--accent); }
details { border-bottom: 1px solid var(--line); padding: .55rem 0; }
details > :not(summary) { margin-left: 5rem; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary p { display: inline; } summary:hover code { color: var(--accent); }
details[open] > summary { margin-bottom: .6rem; }
.verb { display: inline-block; width: 5rem; font: 600 13px ui-monospace, monospace; text-transform: uppercase; }
.get { color: #1a7f37; } .post { color: #9a6700; } .patch, .put { color: #8250df; } .delete { color: #cf222e; }
.note { opacity: .7; } summary > .note { display: block; margin-left: 5rem; }
.public { font-size: .75rem; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; margin-left: .5rem; }
code, pre { font: 13.5px/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: calc(100% - 5rem); font-size: .93rem; }
main > table, details details table, td table { width: 100%; }
td { padding: .3rem 1rem .3rem 0; vertical-align: top; border-top: 1px solid var(--line); }
tr:first-child td { border-top: 0; } td:first-child { white-space: nowrap; width: 1%; }
td p { margin: 0; } .problems code:first-child { color: #cf222e; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; }
  nav a { display: inline-block; margin-right: 1rem; } main { padding: 1rem; }
  details > :not(summary), summary > .note { margin-left: 0; } table { width: 100%; } }
"""

_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
