"""Public names as `help` and error messages show them: their module, narrow lines."""

import inspect
import textwrap

# `help` puts a name of up to 35 characters before a signature, and up to 8 in front.
MOST_CHARACTERS = 44
WIDTH = 76


class NarrowSignature(inspect.Signature):
    """A signature whose text has several lines if it is long.

    From Python 3.13 on, `help` folds signatures itself.
    """

    def __str__(self):
        text = super().__str__()
        if len(text) <= MOST_CHARACTERS:
            return text
        indent = " " * 4
        lines = textwrap.wrap(
            text[1:-1],
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return "\n".join(["(", *lines, ")"])


def shown_in(module):
    """Return a decorator for a class or function that users import from `module`.

    It sets `__module__`, also of the private base classes and of methods. So pickles do
    not depend on the names of the files of this package. From Python 3.13 on, `help`
    shows the module of a method if it is not that of its class.
    """

    def decorate(public):
        if not inspect.isclass(public):
            public.__module__ = module
            narrow(public)
            return public
        for cls in public.__mro__:
            if cls.__module__.partition(".")[0] == "sknets":
                cls.__module__ = module
                for member in vars(cls).values():
                    function = getattr(member, "__func__", member)
                    if inspect.isfunction(function):
                        function.__module__ = module
                        narrow(function)
        return public

    return decorate


def narrow(function):
    """Give a function a signature whose text is narrow."""
    if not hasattr(function, "__signature__"):
        found = inspect.signature(function)
        function.__signature__ = NarrowSignature(list(found.parameters.values()))
