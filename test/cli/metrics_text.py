# SPDX-License-Identifier: MIT
"""Reads metrics from standard input as strictly as Prometheus' promtool does, and then some.

metrics_text.py [EXPRESSION]: the expression is true of m, a dictionary of {'name{label="value"}': number}
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (\S+)")
TYPES = ("counter", "gauge", "histogram")


def check_family(name, kind, samples):
    assert samples, f"{name} has no samples"
    assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
    assert not name.endswith(("_count", "_sum", "_bucket")), name
    if kind != "histogram":
        assert all(key.split("{")[0] == name for key in samples), f"samples of {name}: {samples}"
        return
    buckets = [value for key, value in samples.items() if "_bucket{" in key]
    assert buckets == sorted(buckets), f"buckets of {name} are not cumulative"
    assert samples[f'{name}_bucket{{le="+Inf"}}'] == samples[f"{name}_count"], name
    assert f"{name}_sum" in samples, name


def parse(text):
    values, families, current = {}, {}, None
    assert text.endswith("\n"), "no newline at the end"
    helped = None
    for line in text.split("\n")[:-1]:
        assert line == line.strip() and line, f"blanks: {line!r}"
        if line.startswith("# HELP "):
            helped, words = line[7:].split(" ", 1)
            assert words.endswith(".") and '"' not in words, line
            continue
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == helped and name not in families and kind in TYPES, line
            assert name.startswith(("asmd_", "process_")), line
            families[name] = (kind, {})
            current = name
            continue
        match = SAMPLE.fullmatch(line)
        assert match and current and match[1].startswith(current), line
        key = match[1] + (match[2] or "")
        assert key not in values, f"twice: {line}"
        values[key] = families[current][1][key] = float(match[3])
        assert values[key] >= 0, line
    for name, (kind, samples) in families.items():
        check_family(name, kind, samples)
    return values


m = parse(sys.stdin.read())
sys.exit(len(sys.argv) > 1 and not eval(sys.argv[1]))
