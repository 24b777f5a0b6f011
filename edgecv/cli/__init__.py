"""The command line: one file for each command, with `add_parser(subparsers)` and `run(args)`.

`start` is where the process begins, `main` finds the command. The folders hold what they share.
"""
