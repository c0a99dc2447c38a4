#!/usr/bin/env python3
"""Builds libs/vn/units/data from the PyPI package vietnamadminunits (MIT licence).

    python3 -m venv /tmp/units && /tmp/units/bin/pip install vietnamadminunits==1.0.4
    /tmp/units/bin/python tools/units/build.py

Writes two lists, one line per unit:

    code <TAB> parent <TAB> name <TAB> successors, the default first, separated by spaces

before-2025-07-01.tsv holds provinces (2 digits), districts (3) and communes (5) with their successors in
from-2025-07-01.tsv. Later changes are not built: they stand in changes.tsv and are written by hand.

The package's conversion confuses some namesakes: of two old communes with the same name that ended up in the
same new province, each was given the successors of both (Thạnh Quới of Cần Thơ and Thạnh Quới of Sóc Trăng lie
98 km apart). Two rules take those links out again; every link taken out is printed.
"""
import collections
import json
import math
import pathlib
import sqlite3
import sys

import vietnamadminunits

SOURCE = pathlib.Path(vietnamadminunits.__file__).parent / "data"
TARGET = pathlib.Path(__file__).resolve().parents[2] / "libs/vn/units/data"
HEADER = """# {title}
# Source: PyPI package vietnamadminunits 1.0.4, (c) 2025 Tran Ngoc Minh Hieu, MIT licence: see LICENSE-vietnamadminunits.txt.
# Built by tools/units/build.py; do not edit. Later changes go to changes.tsv.
# code	parent	name{successors}
"""


def read(table, key):
    db = sqlite3.connect(f"file:{SOURCE / 'dataset.db'}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    rows = {}
    for row in db.execute(f"select * from {table}"):
        if key(row) in rows:
            sys.exit(f"{table}: {key(row)} stands there twice")
        rows[key(row)] = row
    return rows


def district_of(old_key):
    return old_key.rsplit("_", 1)[0]


def conversion():
    """Returns {old key: {new key}} and {old key: default new key}."""
    data = json.loads((SOURCE / "converter_2025.json").read_text())
    links, default = collections.defaultdict(set), {}
    for province, wards in data["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in wards.items():
            for o in olds:
                links[o].add((province, ward))
                default[o] = (province, ward)
    for province, wards in data["DICT_PROVINCE_WARD_DIVIDED"].items():
        for o, parts in wards.items():
            for part in parts:
                links[o].add((province, part["newWardKey"]))
                if part["isDefaultNewWard"]:
                    default[o] = (province, part["newWardKey"])
    return links, default


def kilometres(a, b):
    return math.hypot((a["wardLat"] - b["wardLat"]) * 111, (a["wardLon"] - b["wardLon"]) * 105)


def untangle(old, new, links, default):
    """Takes out the links that a commune only has because it was mistaken for its namesake."""
    namesakes, whole = collections.defaultdict(list), collections.defaultdict(set)
    for o, ns in links.items():
        for province in {n[0] for n in ns}:
            namesakes[province, old[o]["wardKey"]].append(o)
        if len(ns) == 1:
            whole[next(iter(ns))].add(district_of(o))
    wrong = set()
    for o, ns in links.items():
        others = [t for n in ns for t in namesakes[n[0], old[o]["wardKey"]] if t != o]
        if len(ns) == 1 or not others:
            continue
        for n in ns:
            # Rule 1: nothing of o's district went whole into n, but something of a namesake's district did.
            if district_of(o) not in whole[n] and any(district_of(t) in whole[n] for t in others):
                wrong.add((o, n))
            # Rule 2: the namesake has the very same successors, and n is nearer to the namesake.
            twins = [t for t in others if links[t] == ns]
            if any(kilometres(old[t], new[n]) < kilometres(old[o], new[n]) - 15 for t in twins):
                wrong.add((o, n))
    for o, n in sorted(wrong):
        links[o].discard(n)
        if default[o] == n:
            default[o] = min(links[o])
        print(f"taken out: {old[o]['wardCode']} {o} -> {new[n]['wardCode']} {n[1]}")
    return len(wrong)


def write(name, title, rows, successors=False):
    column = "\tsuccessors" if successors else ""
    text = HEADER.format(title=title, successors=column) + "".join("\t".join(r).rstrip() + "\n" for r in rows)
    (TARGET / name).write_text(text)
    print(f"{name}: {len(rows)} units, {len(text.encode())} bytes")


def main():
    old = read("admin_units_legacy", lambda r: f"{r['provinceKey']}_{r['districtKey']}_{r['wardKey'] or ''}")
    new = read("admin_units", lambda r: (r["provinceKey"], r["wardKey"]))
    links, default = conversion()
    if set(links) != set(old):
        sys.exit("some old communes have no successor")
    taken = untangle(old, new, links, default)

    def successors(o):
        return " ".join(new[n]["wardCode"] for n in [default[o], *sorted(links[o] - {default[o]})])

    rows = {}
    merged = collections.defaultdict(set)
    for o, r in old.items():
        rows[r["districtCode"]] = (r["districtCode"], r["provinceCode"], r["district"], "" if r["wardCode"] else successors(o))
        if r["wardCode"]:
            rows[r["wardCode"]] = (r["wardCode"], r["districtCode"], r["ward"], successors(o))
        merged[r["provinceCode"], r["province"]].update(new[n]["provinceCode"] for n in links[o])
    for (code, name), into in merged.items():
        if len(into) != 1:
            sys.exit(f"province {code} went into {into}")
        rows[code] = (code, "", name, *into)
    write("before-2025-07-01.tsv", "Administrative units until 2025-06-30: 63 provinces, 696 districts, 10,035 communes.",
          [rows[c] for c in sorted(rows, key=lambda c: (len(c), c))], successors=True)

    rows = {}
    for r in new.values():
        rows[r["provinceCode"]] = (r["provinceCode"], "", r["province"])
        rows[r["wardCode"]] = (r["wardCode"], r["provinceCode"], r["ward"])
    write("from-2025-07-01.tsv", "Administrative units from 2025-07-01 (Decision 19/2025/QĐ-TTg): 34 provinces, 3,321 communes.",
          [rows[c] for c in sorted(rows, key=lambda c: (len(c), c))])
    split = sum(len(ns) > 1 for ns in links.values())
    print(f"{taken} links taken out; {sum(map(len, links.values()))} left; {split} communes are split over "
          f"{min(len(n) for n in links.values() if len(n) > 1)}-{max(map(len, links.values()))}")


main()
