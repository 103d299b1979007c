"""Feast imported once, for many runs of it: feast_forks.py SOCKET. Feast takes seconds to import.

Each connection is one run. It sends a line of JSON, {argv, cwd, env, input}, and is answered with
{code, stdout, stderr} when the run has ended; whoever hangs up earlier ends the run. A run is a fork, so none
sees what another did. `argv` names a script, or `feast` and the arguments of Feast's own command. Ends with its
standard input.
"""

import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import traceback
import warnings

warnings.filterwarnings("ignore")

import dask.dataframe  # noqa: F401
import feast.feature_server  # noqa: F401
import feast.infra.offline_stores.dask  # noqa: F401
import feast.infra.online_stores.redis  # noqa: F401
import feast.infra.registry.sql  # noqa: F401
import feast.transformation_server  # noqa: F401
import pandas  # noqa: F401
import psycopg  # noqa: F401
import pyarrow.parquet  # noqa: F401
from feast.cli.cli import cli

ENDS_WITHIN_SECONDS = 10


def serve(path):
    # Nobody waits for who answers a connection.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready and not os.read(0, 1):
            return
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                answer(connection)
            finally:
                os._exit(0)
        connection.close()


def answer(connection):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = json.loads(connection.makefile("rb").readline())
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("stdin", "stdout", "stderr")]
        with open(files[0], "w", encoding="utf-8") as given:
            given.write(request["input"])
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            connection.close()
            run(request, files)
        # A group of its own, of which it makes no difference who is first to say so.
        try:
            os.setpgid(pid, pid)
        except (PermissionError, ProcessLookupError):
            pass
        ended = os.pidfd_open(pid)
        ready, _, _ = select.select([ended, connection], [], [])
        if ended not in ready:
            os.killpg(pid, signal.SIGTERM)
            ready, _, _ = select.select([ended], [], [], ENDS_WITHIN_SECONDS)
        if ended not in ready:
            os.killpg(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        stdout, stderr = (open(name, encoding="utf-8", errors="replace").read() for name in files[1:])
        said = {"code": code, "stdout": stdout, "stderr": stderr}
        try:
            connection.sendall(json.dumps(said).encode())
        except BrokenPipeError:
            pass


def run(request, files):
    for number, name in enumerate(files):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    code = 0
    try:
        if sys.argv[0] == "feast":
            cli()
        else:
            sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
