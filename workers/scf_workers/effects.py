"""The one table from kinds of effects to their handlers."""

from scf_workers.relay import Handler

HANDLERS: dict[str, Handler] = {}
