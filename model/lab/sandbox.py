"""Runs a program that a model wrote: a child process with little time, little memory, an empty folder and no
network.

Three walls: resource limits; an audit hook that refuses sockets, processes and writing; and, where the
kernel lets a user have one, a network namespace without interfaces (`unshare`). Not a jail against a
determined attacker: enough for what a small model writes.
"""

from __future__ import annotations

import functools
import resource
import shutil
import subprocess
import sys
import tempfile

CPU_SECONDS, WALL_SECONDS, MEMORY_BYTES = 4, 10, 1 << 30
GUARD = """
import sys
refused = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.remove",
           "os.rename", "os.kill", "shutil.", "ctypes.")
def refuse(event, args):
    wants_write = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if wants_write or event.startswith(refused):
        raise PermissionError(event)
sys.addaudithook(refuse)
"""


@functools.cache
def network_prefix() -> tuple[str, ...]:
    """`unshare -rn` where it works, nothing elsewhere."""
    command = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None:
        return ()
    works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if works else ()


def set_limits() -> None:
    """In the child, before the program."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def does_pass(program: str) -> bool:
    """Does the program run to its end without an error?"""
    with tempfile.TemporaryDirectory(prefix="edgewise-lab-") as folder:
        command = [
            *network_prefix(),
            sys.executable,
            "-I",
            "-S",
            "-c",
            GUARD + "exec(compile(sys.stdin.read(), 'case', 'exec'), {})",
        ]
        try:
            done = subprocess.run(
                command,
                input=program.encode("utf-8", "replace"),
                cwd=folder,
                env={},
                preexec_fn=set_limits,
                timeout=WALL_SECONDS,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0
