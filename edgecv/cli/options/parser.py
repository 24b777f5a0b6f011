"""Reads the arguments; a mistake is one line with the nearest right word."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from edgecv.cli.output.exit_status import USERS_MISTAKE
from edgecv_runtime.one_line import printable


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """`` (did you mean X?)`` with the nearest of the known words, or nothing.

    `likeness` is what it has at least, of 0..1 (difflib's ratio).
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f" (did you mean {near[0]}?)" if near else ""


class Parser(argparse.ArgumentParser):
    """Looks for unknown options and commands before anything else is wrong with the line, so that
    a typo is not reported as a missing argument."""

    commands: argparse.Action | None = None

    def add_subparsers(self, **options: Any) -> Any:
        self.commands = super().add_subparsers(**options)
        return self.commands

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if args is not None:
            words = [str(word) for word in args]
            self._refuse_unknown(words)
            args = self._own_values(words)
        return super().parse_known_args(args, namespace)

    def _own_values(self, words: Sequence[str]) -> list[str]:
        """The words, where an option whose value may be left out gets it written out, unless the
        word behind it is one of its values: ``--track clip.mp4`` is about the video clip.mp4."""
        written: list[str] = []
        for index, word in enumerate(words):
            if word == "--":
                return [*written, *words[index:]]
            option = self._option_string_actions.get(word)
            if option is not None and option.nargs == "?" and option.choices is not None:
                following = words[index + 1] if index + 1 < len(words) else ""
                if following not in option.choices:
                    word = f"{word}={option.const}"
            written.append(word)
        return written

    def error(self, message: str) -> NoReturn:
        # Importing it takes time, which a command without a mistake does not have to spend.
        from edgecv_runtime.sources.addresses import shown_address

        message = printable(shown_address(message))  # such as of an address without --source
        self.exit(USERS_MISTAKE, f"edgecv: error: {message}; see '{self.prog} --help'\n")

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        for word in words:
            if word == "--":
                return
            if word.startswith("-") and word != "-":
                self._refuse_unknown_option(word)
            elif self.commands is not None:  # what follows the command is for its own parser
                self._refuse_unknown_command(word)
                return

    def _refuse_unknown_option(self, word: str) -> None:
        if " " in word or self._negative_number_matcher.match(word):  # as argparse: a value
            return
        known = self._option_string_actions
        name = word.split("=", 1)[0]
        if word.startswith("--"):
            if any(option.startswith(name) for option in known):  # whole, or abbreviated
                return
        elif name in known or word[:2] in known:  # -t 0.4, and -t0.4
            return
        near = did_you_mean("--" + name.lstrip("-"), (o for o in known if o.startswith("--")))
        self.error(f"unknown option {name}{near}")

    def _refuse_unknown_command(self, word: str) -> None:
        assert self.commands is not None and self.commands.choices is not None
        known = list(self.commands.choices)
        if word not in known:
            near = did_you_mean(word, known) or f"; expected one of {', '.join(known)}"
            self.error(f"unknown command {word}{near}")


def old_name(group: Any, old: str, new: str) -> None:
    """Lets an option be given by the name that it had: help shows the new one alone."""
    group._option_string_actions[old] = group._option_string_actions[new]
