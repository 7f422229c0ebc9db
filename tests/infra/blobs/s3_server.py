"""An S3 server of the test run: moto's, in a thread of this process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpx
import pytest

BUCKET = "files"


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of an empty bucket, with the variables that its clients need; skips the test if it cannot start."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - it may be missing
    except ImportError as error:
        pytest.skip(f"no S3 server: {error}")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    try:
        server.start()
        _, port = server.get_host_and_port()
    except OSError as error:
        pytest.skip(f"the S3 server does not start: {error}")
    endpoint = f"http://127.0.0.1:{port}"
    variables = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    try:
        with patch.dict(os.environ, {**variables, "AWS_ENDPOINT_URL": endpoint}):
            httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
            yield f"s3://{BUCKET}/attachments"
    finally:
        server.stop()
