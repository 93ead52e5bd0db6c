"""The one error that a user can mend, and an error of others that becomes one."""


class UserError(Exception):
    """A mistake outside the code, told in one sentence that names the file and the remedy.

    Shown without a traceback by the command line and by the notebooks; the exit code is not 0.
    """


def memory_is_full(error: BaseException) -> bool:
    """Whether an error says that the computer or its GPU has no memory left.

    torch has a class for it on a GPU alone; by name, so that not every command imports torch.

    >>> memory_is_full(MemoryError()), memory_is_full(RuntimeError("a wrong shape"))
    (True, False)
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )
