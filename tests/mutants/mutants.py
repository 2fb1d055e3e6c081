#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutation testing of the unit suites: change one token of common/, and see whether a suite fails.

    tests/mutants/mutants.py [-n COUNT] [-j JOBS] [--all | --again] [--skip REGEX] [FILE...]

Of all mutants of common/*/*.c, COUNT (200) are chosen, always the same ones for the same source:
most of them where the check, the repair in place, the writer and the space maps are.  With FILEs
only their mutants are taken; --all takes each, --again the survivors of the last run; --skip leaves
tests out whose name matches.  A mutant that no test fails on survives: build/mutants/survivors lists
those.  One that is known to mean the same is in tests/mutants/equivalent, and one that compiles to
the same code is not counted.  Fails when a mutant survives in one of FIRST.

What is built once: the library as a shared object, and the suites that need no docker_meta.  A
mutant is one small shared object that is loaded before it (LD_PRELOAD).  Which tests call which
function is known from gcov: only those are run, the fastest first, until one fails.
"""
import argparse
import concurrent.futures
import glob
import gzip
import hashlib
import json
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading

BUILD = "build/mutants"
TOLD = BUILD + "/survivors"
KNOWN = "tests/mutants/equivalent"
# Where a wrong answer harms the most, and what part of all mutants they get.
FIRST = re.compile(r"^common/(thin/(check_|fix_|metadata_fix|metadata_write)"
                   r"|pdata/(space_map|btree_|ref_counts))")
FIRST_PART = 0.7
MEMORY = 4 << 30  # bytes of address space for a suite: a mutant may ask for any
SLACK = 10  # a test that takes so many times as long as with the original hangs ...
PATIENCE = 5  # ... but so many seconds of processor are given to each
ASLEEP = 300  # seconds after which a test is not waited for any more, whatever it waits for

CFLAGS = "-O1 -fPIC"

FREES = re.compile(r"(alloc_free|\w+_destroy)\(")


# ---- mutants

class Mutant:
    """Bytes begin to end of a file are replaced by new."""

    def __init__(self, path, text, begin, end, new, kind):
        self.path, self.kind = path, kind
        self.begin, self.end, self.new = begin, end, new
        self.line = text.count("\n", 0, begin) + 1
        first = text.rfind("\n", 0, begin) + 1
        last = text.find("\n", end)
        self.before = " ".join(text[first:last].split())
        self.after = " ".join((text[first:begin] + new + text[end:last]).split())
        self.number = 0

    def key(self):
        return self.path, self.before, self.after

    def rank(self):
        """Chance, but the same one each time, and not moved by changes elsewhere in the file."""
        name = "\0".join((*self.key(), self.kind, str(self.number)))
        return hashlib.sha256(name.encode()).hexdigest()

    def __str__(self):
        return f"{self.path}:{self.line}: {self.kind}\n  - {self.before}\n  + {self.after}"


FLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
         "+=": "-=", "-=": "+=", "++": "--", "--": "++", "+": "-", "-": "+", "%": "/", "|=": "&=",
         "&=": "|="}
TOKEN = re.compile(r"""(?P<skip>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\s+)
    |(?P<number>\b\d[\w.]*)|(?P<word>\w+)
    |(?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|.)""",
                   re.S | re.X)


def tokens_of(text):
    """(begin, end, kind, text) without comments, strings, spaces and preprocessor lines."""
    clean = re.sub(r"(?m)^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    return [(m.start(), m.end(), m.lastgroup, m[0]) for m in TOKEN.finditer(clean)
            if m.lastgroup != "skip"]


def closing(tokens, i):
    """The index of what closes the bracket at i."""
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j][3] in ("(", "["):
            depth += 1
        elif tokens[j][3] in (")", "]"):
            depth -= 1
            if not depth:
                return j
    raise ValueError("a bracket is not closed")


def statement_end(tokens, i):
    """The index of the ; of the statement that begins at i, or None where it is no simple one."""
    depth = 0
    for j in range(i, len(tokens)):
        depth += (tokens[j][3] in "([") - (tokens[j][3] in ")]")
        if tokens[j][3] in ("{", "}"):
            return None
        if tokens[j][3] == ";" and not depth:
            return j
    return None


def number_changed(word):
    m = re.fullmatch(r"(0x[0-9a-fA-F]+|0|[1-9]\d*)([uUlL]*)", word)
    return f"{int(m[1], 0) + 1}{m[2]}" if m else None


def dropped(tokens, i):
    """(end, kind) of a call or a store that begins at token i as a statement of its own."""
    if tokens[i - 1][3] not in (";", "{", "}", ")", "else") or tokens[i][2] not in ("word", "op"):
        return None
    if tokens[i][3] in ("return", "if", "for", "while", "goto", "break", "continue", "case"):
        return None
    end = statement_end(tokens, i)
    if end is None:
        return None
    body = [t[3] for t in tokens[i:end]]
    if tokens[i][2] == "word" and body[1:2] == ["("] and closing(tokens, i + 1) == end - 1:
        return (tokens[end][0], "dropped call")
    # A store into a member or through a pointer; a declaration has two words at its beginning.
    depth = 0
    for j, word in enumerate(body):
        depth += (word in "([") - (word in ")]")
        if not depth and word in ("=", "+=", "-=", "|=", "&="):
            if j and ("->" in body[:j] or "." in body[:j] or "[" in body[:j] or body[0] == "*"):
                return (tokens[end][0], "dropped store")
            return None
    return None


def in_function(tokens):
    """For each token: is it inside of the braces of a function?"""
    inside, depth, function = [], 0, False
    for i, t in enumerate(tokens):
        if t[3] == "{":
            function = function or (not depth and tokens[i - 1][3] == ")")
            depth += 1
        elif t[3] == "}":
            depth -= 1
            function = function and depth > 0
        inside.append(function)
    return inside


def mutants_of(path):
    text = open(path, encoding="utf-8").read()
    tokens = tokens_of(text)
    inside = in_function(tokens)
    found = []

    def add(begin, end, new, kind):
        m = Mutant(path, text, begin, end, new, kind)
        # Memory that fails is the fault injector's, not the unit suites'.
        behind = text[end:].split("\n", 2)
        if "ENOMEM" in m.before or "return -ENOMEM" in "".join(behind[1:2]):
            return
        # Memory that leaks, LeakSanitizer sees (make D=asan check).
        if kind == "dropped call" and FREES.match(text, begin):
            return
        found.append(m)

    for i, (begin, end, kind, word) in enumerate(tokens):
        if not inside[i] or i + 1 >= len(tokens):
            continue
        before, after = tokens[i - 1], tokens[i + 1]
        operand = (before[2] in ("word", "number") or before[3] in (")", "]")) and \
            before[3] not in ("return", "case")
        negative = before[3] == "-" and tokens[i - 2][2] not in ("word", "number") or \
            tokens[i - 2][3] == "return"
        drop = dropped(tokens, i)
        if drop:
            add(begin, drop[0], "", drop[1])
        if kind == "op" and word in FLIPS:
            # A sign, a pointer's arrow and a cast are no operators of two operands.
            if operand or word in ("++", "--"):
                add(begin, end, FLIPS[word], "operator")
        if word == "!":
            add(begin, end, "", "negation dropped")
        if word in ("if", "while") and after[3] == "(":
            close = tokens[closing(tokens, i + 1)]
            add(after[1], close[0], f"!({text[after[1]:close[0]]})", "condition negated")
        # Not the size of an array, nor { 0 }, nor -1, which is as good as -2.
        if kind == "number" and before[3] not in ("[", "{") and not negative and \
                number_changed(word):
            add(begin, end, number_changed(word), "constant")
        if word in ("true", "false"):
            add(begin, end, "false" if word == "true" else "true", "constant")
        if word == "continue":
            add(begin, end, "break", "continue")
        # r = f(...): what it does is left out, and it has not failed.
        if kind == "word" and after[3] == "=" and before[3] in (";", "{", "}", ")"):
            close = statement_end(tokens, i)
            if close and tokens[i + 2][2] == "word" and tokens[i + 3][3] == "(" and \
                    closing(tokens, i + 3) == close - 1:
                add(tokens[i + 2][0], tokens[close][0], "0", "dropped call")
    seen = {}
    for m in found:
        name = (*m.key(), m.kind)
        m.number = seen[name] = seen.get(name, -1) + 1
    return found


def choose(mutants, count):
    """Of each file a part by its size, of those in FIRST more."""
    chosen = []
    for first, part in ((True, FIRST_PART), (False, 1 - FIRST_PART)):
        group = [m for m in mutants if bool(FIRST.match(m.path)) == first]
        # Taken in turn from sorted files, each as often as it has mutants for: a share each.
        files = {}
        for m in sorted(group, key=Mutant.rank):
            files.setdefault(m.path, []).append(m)
        order = sorted(((k + 0.5) / len(ms), path, k) for path, ms in files.items()
                       for k in range(len(ms)))
        chosen += [files[path][k] for _, path, k in order[:round(count * part)]]
    return chosen


# ---- building

def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **options)
    if done.returncode:
        sys.exit(f"mutants: {' '.join(command)}:\n{done.stdout.decode(errors='replace')}")
    return done.stdout.decode()


def make(jobs, variables, *targets):
    run("make", "-s", f"-j{jobs}", *variables, *targets)


def pkg_config(*packages):
    return run("pkg-config", "--libs", *packages).split()


def of_common(pattern):
    """What is built of common/ alone."""
    def needs_docker(source):
        text = open(source, encoding="utf-8").read()
        return '#include "docker_meta/' in text or '#include "tests/support/pool.h"' in text
    return [s for s in sorted(glob.glob(pattern)) if not needs_docker(s)]


class Build:
    """The original: one shared object, and the suites that use it."""

    def __init__(self, jobs):
        sources = of_common("tests/unit/test_*.c")
        support = of_common("tests/support/*.c")
        objects = [f"{BUILD}/obj/{s[:-2]}.o" for s in sources + support]
        libs = [f"{BUILD}/libthinmend.a"]
        make(jobs, [f"B={BUILD}", f"CFLAGS={CFLAGS}"], "fixtures", *libs, *objects)
        # The Makefile wrote down the compiler and its flags; -pie is for programs.
        flags = open(f"{BUILD}/flags", encoding="utf-8").read().split()
        flags = [f for f in flags if f not in ("-pie", "-fPIE") and not f.startswith("-W")]
        self.compiler = [*flags, "-w"]
        system = run("make", "-s", "libs").split()
        self.shared = f"{BUILD}/libtested.so"
        # What a test lets fail is wrapped in the shared objects as well: the wrappers are the suite's.
        self.wraps = run("make", "-s", "wraps").split()
        # Calls inside of the shared object go to the mutant too: every symbol stays open.
        run(*self.compiler, *self.wraps, "-shared", "-o", self.shared, "-Wl,--whole-archive", *libs,
            "-Wl,--no-whole-archive", *system)
        self.suites = []
        os.makedirs(f"{BUILD}/tests", exist_ok=True)
        helpers = objects[len(sources):]
        todo = []
        for source, thing in zip(sources, objects):
            suite = f"{BUILD}/tests/{os.path.basename(source)[:-2]}"
            self.suites.append(suite)
            todo.append([*self.compiler, *self.wraps, "-rdynamic", "-o", suite, thing, *helpers,
                         self.shared,
                         f"-Wl,-rpath,{os.path.abspath(BUILD)}", *system,
                         *pkg_config("criterion")])
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda c: run(*c), todo))
        self.originals = {}

    def compile(self, source, out, *flags):
        """Did it compile?"""
        return not subprocess.run([*self.compiler, *flags, "-o", out, source], check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def code(self, source, out):
        """What the optimiser makes of it, to see whether a mutant is one."""
        if not self.compile(source, out, "-O2", "-g0", "-c"):
            return None
        code = open(out, "rb").read()
        os.unlink(out)
        return code

    def original_code(self, path, work):
        if path not in self.originals:
            copy = f"{work}/original.c"
            shutil.copy(path, copy)
            self.originals[path] = self.code(copy, f"{work}/code.o")
        return self.originals[path]


PLACES = queue.SimpleQueue()  # directories to run a test in, one for each job


def make_places(jobs):
    """Tests have files of fixed names below build/: each job has a build/ of its own."""
    for n in range(jobs):
        place = os.path.abspath(f"{BUILD}/place-{n}")
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(f"{place}/build")
        for name in os.listdir("."):
            if name != "build":
                os.symlink(os.path.abspath(name), f"{place}/{name}")
        for name in os.listdir("build"):
            os.symlink(os.path.abspath(f"build/{name}"), f"{place}/build/{name}")
        PLACES.put(place)


def run_test(test, cpu_seconds=600, **env):
    """(its status, the seconds of processor that it took).  A test is "suite's name/test"."""
    suite, name = test
    place = PLACES.get()
    child = subprocess.Popen(["prlimit", f"--cpu={cpu_seconds}", os.path.abspath(suite), "--jobs",
                              "1", "--filter", name], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=place,
                             env=dict(os.environ, LC_ALL="C", **env), start_new_session=True)
    asleep = threading.Timer(ASLEEP, os.killpg, (child.pid, signal.SIGKILL))
    asleep.start()
    _, status, usage = os.wait4(child.pid, 0)
    asleep.cancel()
    PLACES.put(place)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime


def tests_of(suite):
    """[(suite, its name for the test)]"""
    tests, group = [], None
    for line in run(suite, "--list", env=dict(os.environ, LC_ALL="C")).splitlines():
        if ": " in line and line.endswith(("tests", "test")):
            group = line.split(":")[0]
        elif "-- " in line:
            tests.append((suite, f"{group}/{line.split('-- ')[1].strip()}"))
    return tests


# ---- which tests call which functions

def gcov_calls(test, work):
    """What a test of the coverage build calls of common/, [(file, first line, last line)]; how many
    seconds it takes."""
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    prefix = os.path.abspath(work)
    status, seconds = run_test(test, GCOV_PREFIX=prefix)
    if status:
        sys.exit(f"mutants: {test[1]} fails without a mutant")
    data = glob.glob(f"{prefix}/**/obj/common/**/*.gcda", recursive=True)
    for d in data:
        os.symlink(d[len(prefix):-5] + ".gcno", d[:-5] + ".gcno")
    called = set()
    if data:
        run("gcov", "--json-format", *data, cwd=work)
    for name in glob.glob(f"{work}/*.gcov.json.gz"):
        for f in json.load(gzip.open(name))["files"]:
            called.update((f["file"], g["start_line"], g["end_line"]) for g in f["functions"]
                          if g["execution_count"] and f["file"].endswith(".c"))
    shutil.rmtree(work)
    return sorted(called), seconds


def digest(*sources):
    whole = hashlib.sha256()
    for source in sorted(sources):
        with open(source, "rb") as f:
            whole.update(f.read())
    return whole.hexdigest()


def measure(suite, skip, pool):
    """{test: what it calls, and how long it takes}; kept until a source changes."""
    name = os.path.basename(suite)
    kept = f"{BUILD}/{name}.json"
    of = digest(*glob.glob("common/*/*.[ch]"), *glob.glob("tests/support/*.[ch]"),
                f"tests/unit/{name}.c")
    measured = {}
    if os.path.exists(kept):
        old = json.load(open(kept, encoding="utf-8"))
        measured = old["tests"] if old["of"] == of else {}
    todo = [t for _, t in tests_of(suite) if t not in measured and not (skip and skip.search(t))]
    calls = pool.map(lambda t: gcov_calls((f"build/coverage/tests/{name}", t),
                                          f"{BUILD}/work/{t}"), todo)
    measured.update(zip(todo, calls))
    with open(kept, "w", encoding="utf-8") as out:
        json.dump({"of": of, "tests": measured}, out)
    return {(suite, t): m for t, m in measured.items() if not (skip and skip.search(t))}


# ---- judging

class Judge:
    def __init__(self, build, jobs, skip):
        self.build = build
        self.tests = {}
        make(jobs, ["D=coverage"], *(f"build/coverage/tests/{os.path.basename(s)}"
                                     for s in build.suites))
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for suite in build.suites:
                self.tests.update(measure(suite, skip, pool))
            # What fails without a mutant would kill each: it wraps what these objects do not.
            tests = list(self.tests)
            for test, (status, _) in zip(tests, pool.map(run_test, tests)):
                if status:
                    print(f"mutants: left out, for it fails in the shared build: {test[1]}")
                    del self.tests[test]

    def tests_for(self, m):
        """Those that call the function which the mutant changes, the fastest first."""
        tests = [t for t, (calls, _) in self.tests.items()
                 if any(f == m.path and a <= m.line <= b for f, a, b in calls)]
        return sorted(tests, key=lambda t: self.tests[t][1])

    def judge(self, m, work):
        """What became of it: "killed", "survived", "equivalent" or "not compiled"; by what."""
        text = open(m.path, encoding="utf-8").read()
        source, shared = f"{work}/mutant.c", f"{work}/mutant.so"
        with open(source, "w", encoding="utf-8") as out:
            out.write(text[:m.begin] + m.new + text[m.end:])
        if not self.build.compile(source, shared, "-shared", *self.build.wraps):
            return "not compiled", ""
        tests = self.tests_for(m)
        for test in tests:
            limit = PATIENCE + SLACK * round(self.tests[test][1])
            if run_test(test, limit, LD_PRELOAD=os.path.abspath(shared))[0]:
                return "killed", test[1]
        same = self.build.code(source, f"{work}/code.o")
        shutil.copy(m.path, source)
        if same is not None and same == self.build.code(source, f"{work}/code.o"):
            return "equivalent", "the same code"
        return "survived", f"{len(tests)} tests"


def known_equivalents():
    """{(file, line as it is, line as mutated)}"""
    known, path, before = set(), None, None
    if not os.path.exists(KNOWN):
        return known
    for line in open(KNOWN, encoding="utf-8"):
        if line.startswith("common/"):
            path = line.strip()
        elif line.startswith("- "):
            before = line[2:].strip()
        elif line.startswith("+ "):
            known.add((path, before, line[2:].strip()))
    return known


def survivors_before():
    """The same of the last run's survivors."""
    lines = open(TOLD, encoding="utf-8").read().splitlines()
    return {(a.split(":")[0], b.strip()[2:], c.strip()[2:])
            for a, b, c in zip(lines[::3], lines[1::3], lines[2::3])}


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("-n", type=int, default=200, metavar="COUNT")
    options.add_argument("-j", type=int, default=os.cpu_count(), metavar="JOBS")
    options.add_argument("--all", action="store_true", help="each mutant of the files")
    options.add_argument("--again", action="store_true", help="the survivors of the last run")
    options.add_argument("--skip", type=re.compile, help="tests that are left out")
    options.add_argument("--list", action="store_true", help="say which would be taken")
    options.add_argument("files", nargs="*", metavar="FILE")
    o = options.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

    # The suite of the sandbox has it in itself, where no mutant comes between.
    files = o.files or sorted(set(glob.glob("common/*/*.c")) - {"common/tool/sandbox.c"})
    mutants = [m for f in files for m in mutants_of(f)]
    known = known_equivalents()
    stale = {k for k in known if k[0] in files} - {m.key() for m in mutants}
    mutants = [m for m in mutants if m.key() not in known]
    if o.again:
        before = survivors_before()
        mutants = [m for m in mutants if m.key() in before]
    elif not o.all:
        mutants = choose(mutants, o.n)
    if o.list:
        for m in mutants:
            print(m)
        return 0
    for path, before, _ in sorted(stale):
        print(f"mutants: {KNOWN}: {path} has no such line any more: {before}")

    os.makedirs(BUILD, exist_ok=True)
    build = Build(o.j)
    make_places(o.j)
    judge = Judge(build, o.j, o.skip)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    idle = [f"{BUILD}/work-{n}" for n in range(o.j)]
    for work in idle:
        os.makedirs(work, exist_ok=True)

    def one(m):
        work = idle.pop()
        try:
            return m, *judge.judge(m, work)
        finally:
            idle.append(work)

    count, survivors = {}, []
    with concurrent.futures.ThreadPoolExecutor(o.j) as pool:
        for m, fate, by in pool.map(one, mutants):
            print(f"{fate:10} {m}\n  {by}", flush=True)
            count[fate] = count.get(fate, 0) + 1
            if fate == "survived":
                survivors.append(m)
    with open(TOLD, "w", encoding="utf-8") as out:
        out.writelines(f"{m}\n" for m in survivors)
    first = sum(bool(FIRST.match(m.path)) for m in survivors)
    print(f"mutants: {len(mutants)}: " + ", ".join(f"{n} {fate}" for fate, n in sorted(count.items()))
          + f"; survivors: {TOLD}, {first} of them in check, fix, write and space maps")
    return 1 if first or stale else 0


if __name__ == "__main__":
    sys.exit(main())
