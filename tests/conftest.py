"""Tests send Ctrl-C to programs that they start; those must hear it, also where the tests run in a shell's background."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # programs inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
