"""The cache-aside peer: a page of tasks with FastAPI, SQLAlchemy, Redis and pydantic, as their documentation shows."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, TypedDict
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import OAuth2PasswordBearer
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from api.http.access_tokens import ALGORITHM, ISSUER
from bench.harness.peer_config import PeerConfig
from bench.peers.cache_aside_models import Member, Page, Project, Task, TaskResponse, sqlalchemy_url

TTL_S = 300
CONNECTIONS = 15
"""SQLAlchemy's default maximum, five plus ten, but all pooled: by default it closes the ten after each request."""
_token = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login")


class AppState(TypedDict):
    """The resources that a process opens once."""

    sessions: async_sessionmaker[AsyncSession]
    redis: Redis
    jwt_key: str


def app(config: PeerConfig) -> FastAPI:
    """An application that serves pages of tasks to workspace members with an access token of ours."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[AppState]:
        engine = create_async_engine(sqlalchemy_url(config.database_url), pool_size=CONNECTIONS, max_overflow=0)
        async with Redis.from_url(config.redis_url) as redis:
            sessions = async_sessionmaker(engine, expire_on_commit=False)
            yield AppState(sessions=sessions, redis=redis, jwt_key=config.jwt_key)
        await engine.dispose()

    served = FastAPI(lifespan=lifespan)
    served.get("/api/v1/projects/{project}/tasks", dependencies=[Depends(require_member)])(list_tasks)
    return served


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a session per request, which takes a connection at its first query."""
    async with request.state.sessions() as session:
        yield session


async def current_user(request: Request, token: Annotated[str, Depends(_token)]) -> UUID:
    """The user that the token was issued to."""
    try:
        claims = jwt.decode(token, request.state.jwt_key, [ALGORITHM], issuer=ISSUER, audience=ISSUER)
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise HTTPException(401, "Invalid token", {"WWW-Authenticate": "Bearer"}) from error


Database = Annotated[AsyncSession, Depends(open_session)]
User = Annotated[UUID, Depends(current_user)]


async def require_member(project: UUID, user: User, request: Request, session: Database) -> None:
    """Require membership, cached in Redis like the page: the faster common approach, as a hit needs no query.

    It is also the less strict one: a removed member can read for another five minutes.
    """
    key = f"cache-aside:member:{project}:{user}"
    if await request.state.redis.exists(key):
        return
    is_theirs = Project.workspace_id == Member.workspace_id
    query = select(Member.user_id).join(Project, is_theirs).where(Project.id == project, Member.user_id == user)
    if await session.scalar(query) is None:
        raise HTTPException(404, "Not found")
    await request.state.redis.set(key, 1, ex=TTL_S)


async def list_tasks(
    project: UUID,
    request: Request,
    session: Database,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int, Query(ge=0)] = 0,
) -> Page:
    """The tasks of a project that are not in the trash, oldest first: from Redis, else from rows, which are cached."""
    key = f"cache-aside:tasks:{project}:{limit}:{cursor}"
    cached = await request.state.redis.get(key)
    if cached is not None:
        return Page.model_validate_json(cached)
    page = await _page(session, project, limit, cursor)
    await request.state.redis.set(key, page.model_dump_json(), ex=TTL_S)
    return page


async def _page(session: AsyncSession, project: UUID, limit: int, after: int) -> Page:
    """A page from the database; the number of its last item is the next cursor."""
    query = select(Task).where(Task.project_id == project, Task.trashed.is_(False), Task.number > after)
    tasks = (await session.scalars(query.order_by(Task.number).limit(limit + 1))).all()
    items = [TaskResponse.model_validate(task) for task in tasks[:limit]]
    return Page(items=items, next_cursor=str(items[-1].number) if len(tasks) > limit else None)
