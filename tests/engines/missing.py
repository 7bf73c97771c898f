"""What is lacking to start a server, in one line that says what
to do.
"""


class Missing(Exception):
    """This machine cannot start the server; the message says what to
    install or to set.
    """
