"""Passing of `TsVector` to and from PostgreSQL, in the binary format of `tsvector`."""

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.postgres import types
from psycopg.pq import Format

from projections.tsvector import TsVector


class _TsVectorDumper(Dumper):
    format = Format.BINARY
    oid = types["tsvector"].oid

    def dump(self, obj: TsVector) -> bytes:
        return obj


class _TsVectorLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> TsVector:
        return TsVector(data)


def register(context: AdaptContext) -> None:
    """Pass vectors on this cursor or connection."""
    context.adapters.register_dumper(TsVector, _TsVectorDumper)
    context.adapters.register_loader("tsvector", _TsVectorLoader)
