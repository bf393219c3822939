"""Start a program where it can do no harm: no network, no files but Python's, little memory and time, few processes.

    python jail.py SETTINGS program arguments ...       SETTINGS: JSON, see `main`

Linux namespaces do it, without Docker and without root. session.namespaces_work tells whether this machine allows them.
Source: the manual pages unshare(2), mount_namespaces(7), user_namespaces(7), pivot_root(2).
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS = 0x20000, 0x8000000, 0x4000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH, PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 2, 1, 38
NOBODY = 60000                          # plus the number of the place, so that no two submissions share a count of processes
DEVICES = ["/dev/null", "/dev/zero", "/dev/urandom"]
SYSTEM = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"]


def call(name, *args):
    """Call a function of the C library; raise OSError if it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*[arg.encode() if isinstance(arg, str) else arg for arg in args]) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def bind(source, target, read_only=True):
    """Make `source` visible at `target`."""
    if os.path.islink(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    call("mount", source, target, None, MS_BIND | MS_REC, None)
    if read_only:
        try:
            call("mount", None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, None)
        except PermissionError:         # a mount that was already read-only, or more, must stay as it was
            flags = os.statvfs(target).f_flag & 0x1F
            call("mount", None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | flags, None)


def new_root(root, visible, hidden, scratch_bytes):
    """Build a root folder with nothing in it but what is visible, and enter it."""
    call("mount", None, "/", None, MS_REC | MS_PRIVATE, None)
    call("mount", "tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in [*filter(os.path.lexists, SYSTEM), *visible, *DEVICES]:
        bind(path, root + path, read_only=path not in DEVICES)
    for path in filter(os.path.isdir, hidden):
        call("mount", "tmpfs", root + path, "tmpfs", MS_RDONLY, "size=4k")
    os.mkdir(root + "/scratch")
    call("mount", "tmpfs", root + "/scratch", "tmpfs", MS_NOSUID | MS_NODEV, f"size={scratch_bytes},nr_inodes=4096,mode=1777")
    if not os.path.lexists(root + "/tmp"):
        os.symlink("/scratch", root + "/tmp")
    os.mkdir(root + "/.old")
    call("pivot_root", root, root + "/.old")
    os.chdir("/scratch")
    call("umount2", "/.old", MNT_DETACH)
    call("mount", None, "/", None, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=1m,mode=755")


def limit(settings):
    """Limit what a process may use. The clock is the grader's business."""
    for name, value in [(resource.RLIMIT_CPU, settings["cpu_seconds"]), (resource.RLIMIT_AS, settings["memory_bytes"]),
                        (resource.RLIMIT_FSIZE, settings["scratch_bytes"]), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 64),
                        (resource.RLIMIT_NPROC, settings["processes"])]:
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))


def isolate(settings):
    """Leave the machine behind: after this, in the child of a fork, there is only the new root."""
    was_root, uid, gid = os.geteuid() == 0, os.geteuid(), os.getegid()
    call("prctl", PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)            # if the grader itself is ended, so is this, and with it the jail
    call("unshare", CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNET | (0 if was_root else CLONE_NEWUSER))
    if not was_root:
        for name, text in [("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")]:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    child = os.fork()                       # the first process of the new PID namespace: when it ends, all others end
    if child:
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    new_root(settings["root"], settings["visible"], settings["hidden"], settings["scratch_bytes"])
    if was_root:
        os.setgroups([])
        os.setresgid(*[NOBODY + settings["place"]] * 3)
        os.setresuid(*[NOBODY + settings["place"]] * 3)
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)            # dies with its parent; a change of user would undo this
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main():
    settings = json.loads(sys.argv[1])
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")                  # if memory runs out all the same, the kernel ends this one first, and not the grader
    if settings["isolated"]:
        isolate(settings)
    else:
        os.chdir(settings["root"])
    limit(settings)
    os.execve(sys.argv[2], sys.argv[2:], settings["environment"])


if __name__ == "__main__":
    main()
