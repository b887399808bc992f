"""Tests send Ctrl-C to programs that they start; those must hear it also where tests run in a background shell."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # programs inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
