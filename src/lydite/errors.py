"""Errors that users can fix."""


class LyditeError(Exception):
    """Base of every error that Lydite raises on purpose."""


class InputError(LyditeError):
    """Input that cannot be used: the message says where, what is wrong and what to do."""
