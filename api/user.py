"""Users over HTTP: registering and logging in."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api import auth, tracing
from api.ledger import Asked, Ledger, Written, written
from commands.decision import Wish
from commands.form import Email, Name
from commands.group import Order
from commands.user import RegisterUser
from domain.errors import EmailTaken, NotFound, RegistrationClosed, WrongCredentials
from domain.event import Actor
from domain.user import EmailAddress, User, address_of
from infra.ids import new_id

Password = Annotated[str, Meta(min_length=8, max_length=200)]


class Registration(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Name
    password: Password


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=200)]


class Session(Struct, frozen=True):
    access_token: str
    token_type: str
    expires_in: int


class Me(Struct, frozen=True):
    id: UUID
    email: str
    name: str


@post("/auth/register", opt={**auth.PUBLIC, "refuses": (403, 409)})
async def register(data: JSONBody[Registration], ledger: NamedDependency[Ledger]) -> Response[Written]:
    """Become a user; the first one administers the installation."""
    if ledger.settings.registration == "closed":
        raise RegistrationClosed
    if await _user_of(ledger, data.email):
        raise EmailTaken
    user = new_id()
    await ledger.credentials.keep(user, data.password)  # first: a row without events is harmless, the reverse is not
    command = RegisterUser(email=data.email, name=data.name)
    return written(
        command, await ledger.handle(Order([Wish(user, command)], Actor(user), new_id(), trace=tracing.trace()))
    )


@post("/auth/login", opt={**auth.PUBLIC, "refuses": (401,)}, status_code=200)
async def login(data: JSONBody[Login], ledger: NamedDependency[Ledger]) -> Response[Session]:
    """Prove who you are, and get a token for `Authorization: Bearer`."""
    user = await _user_of(ledger, data.email)
    await ledger.credentials.check(user, data.password)
    if user is None:
        raise WrongCredentials
    session = Session(auth.issue(user, ledger.settings.jwt_key), "Bearer", int(auth.LIFETIME.total_seconds()))
    return Response(session, headers={"Cache-Control": "no-store"})


@get("/auth/me")
async def show_me(request: Asked, ledger: NamedDependency[Ledger]) -> Response[Me]:
    """Who you are."""
    user = request.user.person
    state = await ledger.log.state(User, user)
    if state is None:
        raise NotFound
    return Response(Me(user, state.email, state.name), headers={"Cache-Control": "no-store"})


async def _user_of(ledger: Ledger, email: str) -> UUID | None:
    address = await ledger.log.state(EmailAddress, address_of(email))
    return address.user_id if address else None
