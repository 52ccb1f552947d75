"""Replays a log of the preloaded library (interpose.c) as a power failure would leave the disk: replay.py LOG NAME ...

After each call the power may fail. What has become of a folder's entries since the folder was last synced has happened or
not, each for itself; of what was written to a file since it was last synced nothing, half or all is there. On every disk
that is possible so each NAME must be one of its whole versions: as it was, as it was renamed into place, or gone where it
was so once. The first NAME, the model, must be the last version at the end; the second, a checkpoint that has once been
safe, may be gone only where that is so. The whole versions go to files NAME.1, NAME.2, ...; run it in the log's folder.
"""
import itertools
import os
import sys


class File:
    def __init__(self, content=b""):
        self.synced = self.written = content

    def contents(self):
        kept = self.synced if self.written.startswith(self.synced) else b""
        return {self.synced, self.written, kept, self.written[: (len(kept) + len(self.written)) // 2]}


def path_of(name):
    return os.path.normpath(os.path.join(os.getcwd(), name))


def calls(log):
    """Those that change something: their kind ("sync" of a folder), path and detail."""
    found = []
    for line in open(log):
        kind, name, detail = line.rstrip("\n").split("\t")
        kind = "sync" if kind == "fsync" and os.path.isdir(name) else kind
        if kind in ("create", "write", "fsync", "sync", "rename", "unlink"):
            found.append((kind, path_of(name), detail))
    return found


def apply(entries, change):
    path, file, source = change
    if file is None:
        entries.pop(path, None)
    else:
        entries[path] = file
        if source is not None and entries.get(source) is file:
            del entries[source]


def disks(durable, pending, paths):
    """All that the paths may hold now: tuples of contents, None for a file that is gone."""
    found = set()
    for chosen in itertools.product((False, True), repeat=len(pending)):
        entries = dict(durable)
        for change in itertools.compress(pending, chosen):
            apply(entries, change)
        found.update(itertools.product(*(entries[p].contents() if p in entries else {None} for p in paths)))
    return found


def replay(recorded, start):
    """Yields after each call its kind, the entries as the program sees them, and the disks that are possible."""
    durable = {path: File(content) for path, content in start.items() if content is not None}
    now, pending = dict(durable), []
    for kind, path, detail in recorded:
        change = None
        if kind == "create" and path not in now:
            change = (path, File(), None)
        elif kind == "create" and detail == "truncate":
            now[path].written = b""
        elif kind == "write":
            now[path].written += bytes.fromhex(detail)
        elif kind == "fsync":
            now[path].synced = now[path].written
        elif kind == "sync":
            for change in pending:
                apply(durable, change)
            pending, change = [], None
        elif kind == "rename":
            change = (path_of(detail), now[path], path)
        elif kind == "unlink":
            change = (path, None, None)
        if change is not None:
            apply(now, change)
            pending.append(change)
        yield kind, now, disks(durable, pending, list(start))


def complaints(recorded, start):
    paths, wrong, safe, possible, count = list(start), [], False, set(), 0
    whole = {path: [content] for path, content in start.items()}
    for kind, now, possible in replay(recorded, start):
        for path in paths:
            content = now[path].written if path in now else None
            if kind in ("rename", "unlink") and content not in whole[path]:
                whole[path].append(content)
        for disk in possible:
            count += 1
            wrong += [f"{kind}: {p}: {len(c or b'')} bytes" for p, c in zip(paths, disk) if c not in whole[p]]
            if safe and disk[1] is None and disk[0] != whole[paths[0]][-1]:
                wrong.append(f"{kind}: neither a checkpoint nor the new model")
        safe = safe or (len(paths) > 1 and all(disk[1] is not None for disk in possible))
    wrong += ["at the end the model may be the old one" for disk in possible if disk[0] != whole[paths[0]][-1]]
    return wrong, whole, count


def main():
    log, names = sys.argv[1], sys.argv[2:]
    start = {path_of(n): open(n + ".0", "rb").read() if os.path.exists(n + ".0") else None for n in names}
    recorded = calls(log)
    for kind in "fsync", "sync":  # without the last of each, a loss must be found
        last = max((i for i, call in enumerate(recorded) if call[0] == kind), default=None)
        if last is None:
            sys.exit(f"there is no {kind} at all")
        if not complaints(recorded[:last] + recorded[last + 1:], start)[0]:
            sys.exit(f"replay: without the last {kind} nothing is found")
    wrong, whole, count = complaints(recorded, start)
    for path, versions in whole.items():
        for i, content in enumerate(versions):
            if content is not None:
                open(f"{path}.{i}", "wb").write(content)
    print(f"{len(recorded)} calls, {count} disks, {len(wrong)} of them with a loss")
    sys.exit("\n".join(sorted(set(wrong))[:10]) if wrong else 0)


main()
