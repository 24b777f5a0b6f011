"""The command line: one file for each verb, each with add_parser(subparsers) and run(args)."""
