"""Where a study's trials are kept: a journal file of this machine, or a database that several machines share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sightline.common.errors import SightlineError, in_one_line
from sightline.tuning.settings import FILE, HERE, TuneParams

JOURNAL = "journal.log"
PATIENCE = 10  # s for a database to answer


@contextmanager
def working_alone(settings: TuneParams) -> Iterator[None]:
    """Hold the study's folder: one tuner a clone; several machines each have their own.

    Raises
    ------
    SightlineError
        Another tuner works at it, or somebody removes the folder meanwhile.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise SightlineError(
            f"{settings.folder}: another `make tune` works at this study: wait, or raise jobs"
        ) from None
    except FileNotFoundError:
        if settings.folder.exists():
            raise
        raise SightlineError(f"{settings.folder}: removed while the search ran, which ends it") from None


def open_storage(settings: TuneParams) -> BaseStorage:
    """Open what `storage` names.

    Raises
    ------
    SightlineError
        It cannot be reached; a password in it is not told.
    """
    if settings.storage == HERE:
        return open_journal(settings.folder / JOURNAL)
    with naming_storage(settings.storage):
        url = make_url(settings.storage)
        limit = {"connect_timeout": PATIENCE} if url.get_backend_name() == "postgresql" else {}
        try:
            return RDBStorage(settings.storage, engine_kwargs={"pool_pre_ping": True, "connect_args": limit})
        except ImportError as error:
            raise SightlineError(f"{FILE}: storage: {_public(settings.storage)}: {in_one_line(error)}") from None


def open_journal(path: Path) -> JournalStorage:
    """Open a journal file; a line that a full disk or a lost machine left unfinished at its end is dropped."""
    if path.exists():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with path.open("r+b") as stream:
                stream.truncate(len(whole))
    try:
        return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))
    except ValueError as error:
        raise SightlineError(f"{path}: damaged ({in_one_line(error)}): give the study another name") from None


@contextmanager
def naming_storage(storage: str) -> Iterator[None]:
    """Turn what a database's driver raises into a line that names the storage."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError):
        raise SightlineError(
            f"{FILE}: storage: must be {HERE}, or like postgresql+psycopg://user@host/database (got {_public(storage)})"
        ) from None
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ or error
        reason = str(getattr(cause, "orig", cause)).strip().partition("\n")[0]
        raise SightlineError(
            f"{FILE}: storage: {_public(storage)} cannot be used: {reason}; nothing is lost: `make tune` goes on"
        ) from None


def _public(storage: str) -> str:
    """Return a storage's address without its password."""
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError:
        return storage.partition("@")[2] or storage
