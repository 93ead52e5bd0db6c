"""Thousands of spoiled files and settings, each of which must be taken or refused in a sentence.

COMMAND: python -m tools.fuzz --cases 1000

A case is a right folder, file or setting (`corpus`), spoiled by chance (`spoil`), and given to the
function that the command line calls with it (`kinds`). It runs in a process of its own with limits
of memory and time (`campaign`). Its outcome is *taken*, *refused* in one sentence that names the
file or setting and a remedy, or a failure, which is printed with the command that repeats it. A
case follows from the seed and its number alone. The folder keeps what is done: the same command
goes on where it stopped.
"""
