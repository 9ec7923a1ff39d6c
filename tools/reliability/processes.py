"""Processes that are stopped by a signal at a random moment."""

import multiprocessing
import os
import signal

# Children of a server that has imported the package start in milliseconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tools.reliability.warm"])


def start(function, *arguments):
    """Start ``function(connection, *arguments)``; return when it says that it is ready.

    Returns
    -------
    process : multiprocessing.Process
    connection : multiprocessing.connection.Connection
    """
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=function, args=(theirs, *arguments))
    process.start()
    theirs.close()
    if not ours.poll(120):
        process.kill()
        raise TimeoutError(f"{function.__name__} does not begin.")
    ours.recv()
    return process, ours


def stop_after(process, seconds, number=signal.SIGKILL):
    """Send a signal after a time, if the process still runs. Wait for its end.

    Returns
    -------
    was_stopped : bool
    """
    process.join(seconds)
    running = process.is_alive()
    if running:
        os.kill(process.pid, number)
    process.join(120)
    if process.is_alive():
        process.kill()
        raise TimeoutError("The process hangs.")
    return running
