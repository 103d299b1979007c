"""Runs verbs of Feast's own command in one process: feast_says.py REPOSITORY, with a JSON list of argument
lists on standard input; prints what each said and its exit code, as JSON."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from click.testing import CliRunner
from feast.cli.cli import cli

said = []
for args in json.load(sys.stdin):
    result = CliRunner().invoke(cli, ["-c", sys.argv[1], *args])
    said.append({"args": args, "code": result.exit_code, "stdout": result.stdout})
json.dump(said, sys.stdout)
