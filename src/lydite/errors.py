"""The errors that a user can mend."""


class LyditeError(Exception):
    """Base of every error that Lydite raises on purpose."""


class InputError(LyditeError):
    """Input that cannot be used: the message names the place, the value and the mend."""
