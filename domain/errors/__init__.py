"""Errors: every refusal, by what it is about, and the error of an event that this version cannot decode."""

from domain.errors.access import *
from domain.errors.account import *
from domain.errors.attachment import *
from domain.errors.command import *
from domain.errors.comment import *
from domain.errors.mail import *
from domain.errors.overload import *
from domain.errors.project import *
from domain.errors.proposal import *
from domain.errors.query import *
from domain.errors.rate_limit import *
from domain.errors.refusal import *
from domain.errors.revert import *
from domain.errors.task import *
from domain.errors.time_entry import *
from domain.errors.trash import *
from domain.errors.unknown_event import *
from domain.errors.workspace import *
