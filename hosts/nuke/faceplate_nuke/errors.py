"""What can go wrong, as an artist reads it."""

from __future__ import annotations

from typing import Any

__all__ = ["Cancelled", "PluginError"]


class PluginError(Exception):
    """A failure with a sentence of what to do.

    Args:
        code: Class of the error, such as ``ConsentRefused`` or ``HelperSilent``.
        message: What was wrong and what was got.
        hint: What to do.
        exit_code: Of a batch run; as docs/exit-codes.md has them.
        request_id: Find the call in the server's log by it.
        job: Of a job that failed: its log is HOME/jobs/JOB.log, and the server's log names it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        exit_code: int = 1,
        request_id: str = "",
        job: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint
        self.exit_code, self.request_id, self.job = exit_code, request_id, job

    @classmethod
    def of_event(cls, event: dict[str, Any]) -> PluginError:
        """Return the error that the helper told."""
        return cls(
            str(event.get("code") or "Internal"),
            str(event.get("message") or "the helper told no reason"),
            str(event.get("hint") or ""),
            int(event.get("exit_code") or 1),
            str(event.get("request_id") or ""),
            str(event.get("job") or ""),
        )

    def __str__(self) -> str:
        words = [f"{self.code}: {self.message.rstrip('.')}."]
        words += [self.hint] if self.hint else []
        words += [f"(request {self.request_id})"] if self.request_id else []
        words += [f"(job {self.job})"] if self.job and not self.request_id else []
        return " ".join(words)


class Cancelled(PluginError):
    """Somebody asked to stop."""

    def __init__(self, message: str = "stopped") -> None:
        super().__init__("Cancelled", message, "", 130)
