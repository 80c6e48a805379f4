"""What a process logs: one line of JSON per event, in UTC.

A stack trace is plain text, without the values of variables: those hold tokens and names, and laying
them out for people costs a serving process seconds for each defect.
"""

import structlog


def configure() -> None:
    """Set the form of this process's log; a second call changes nothing."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
