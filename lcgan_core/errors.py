"""The error that a user can correct, and how a lack of memory is recognised."""

import errno

LONGEST = 1400
"""Characters of a sentence."""
MEMORY = ("can't allocate memory", "could not create a primitive", "bad_alloc")
"""How torch, oneDNN and C++ say in a RuntimeError that memory is full."""


class UserError(Exception):
    """A mistake outside the code, described in one sentence that names the file and the remedy.

    Shown without a traceback by the command line and by the notebooks; the exit code is not 0. A
    file may be called anything: what would break the line or the terminal is shown escaped, and the
    middle of what nobody would read to its end is left out.

    >>> print(UserError("my\\nscan.nii is empty; copy it again."))
    my\\nscan.nii is empty; copy it again.
    """

    def __init__(self, sentence: object = "") -> None:
        said = plain(sentence)
        half = LONGEST // 2
        super().__init__(said if len(said) <= LONGEST else f"{said[:half]} ... {said[-half:]}")


def plain(text: object) -> str:
    """A text in one line, with whatever a terminal would obey instead of showing it escaped.

    >>> print(plain("my\\nscan.nii"))
    my\\nscan.nii
    """
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text)
    )


def memory_is_full(error: BaseException) -> bool:
    """Whether an error says that the computer or its GPU has no memory left.

    torch has a class for this only on a GPU; it is compared by name, so that not every command
    imports torch.

    >>> memory_is_full(MemoryError()), memory_is_full(RuntimeError("a wrong shape"))
    (True, False)
    >>> memory_is_full(RuntimeError("could not create a primitive"))
    True
    """
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or type(error).__name__ == "OutOfMemoryError"
        or any(words in str(error) for words in MEMORY)
    )
