"""HTTP/1.1 connections: what a client may send, how fast, and how much at once; uvicorn's, with limits of ours."""
