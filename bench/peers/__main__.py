"""`python -m bench.peers NAME FILE`: serve a peer as `taskledger api` does, with the configuration in the file."""

import socket
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import uvicorn

from bench.harness.peer_config import PeerConfig
from infra.processes import gc_tuning


def main(name: str, file: str) -> None:
    peer_config = msgspec.json.decode(Path(file).read_bytes(), type=PeerConfig)
    app = import_module(f"bench.peers.{name}").app(peer_config)
    config = uvicorn.Config(
        app, interface="asgi3", access_log=False, log_config=None, proxy_headers=False, server_header=False
    )
    gc_tuning.freeze_and_relax()
    with socket.socket(fileno=peer_config.fd) as listener:
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
