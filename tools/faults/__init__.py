"""Commands killed, stopped, starved and run twice at random moments; then they finish all the same.

COMMAND: python -m tools.faults --faults 100

A fault is a command (`works`) and what befalls it (`mishaps`): a signal, a full or read-only disk,
a limit of memory or of file size, a second process that does the same. After it, no process may be
left and nothing may have been said but sentences; the same command, given again, has to finish with
the bytes of a run that nothing befell, and to leave nothing else behind (`campaign`). A fault
follows from the seed and its number, but for the moment at which a signal meets the command. What
needs a disk of its own is left out where nothing may be mounted.
"""
