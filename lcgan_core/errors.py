"""The one error that a user can mend."""


class UserError(Exception):
    """A mistake outside the code, told in one sentence that names the file and the remedy.

    Shown without a traceback by the command line and by the notebooks; the exit code is not 0.
    """
