"""The log: sentences on standard error, and JSON lines in HOME/server.log."""

import contextvars
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

__all__ = ["REQUEST", "JsonLines", "logging_to"]

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="")
"""Id of the call that is being answered; empty outside of one."""

FIELDS = ("rpc", "peer", "client", "ms", "code", "job")
"""What a record may carry besides its sentence."""

FILE_BYTES = 16 << 20
FILES = 5


class JsonLines(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, logger, message, request_id, what `FIELDS` names, error."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = REQUEST.get()
        if request:
            line["request_id"] = request
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


@contextmanager
def logging_to(home: Path, level: str) -> Iterator[None]:
    """Log to standard error and to the home folder's `server.log`, of which a few are kept."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = RotatingFileHandler(home / "server.log", "a", FILE_BYTES, FILES - 1, encoding="utf-8")
    file.setFormatter(JsonLines())
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # force: the command line that brought us here has set up its own
    logging.basicConfig(level=level.upper(), handlers=[shown, file], force=True)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(file)
        file.close()
