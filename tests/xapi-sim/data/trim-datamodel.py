#!/usr/bin/env python3
"""Writes datamodel.json from a full walk of XAPI's IDL: trim-datamodel.py FULL.json > datamodel.json

Keeps what the simulator dispatches and encodes by: fields with types and defaults, signatures of the messages, enums,
relations, alert priorities, and the parameter names of the errors it raises. Drops prose, roles, the HTTP table, and of life cycles all but the release that brought a field or message.
"""

import json
import re
import sys
from pathlib import Path

full = json.load(open(sys.argv[1]))
source = "".join(p.read_text() for p in (Path(__file__).parent.parent / "src").rglob("*.rs"))
raised = set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', source))


def since(out, thing):
    life = thing.get("lifecycle", {})
    first = life.get("published") or life.get("prototyped")
    if first and first != "rio":
        out["since"] = first


def field(f):
    out = {"type": f["type"], "qualifier": f["qualifier"]}
    if "default" in f:
        out["default"] = f["default"]
    if f.get("internal_only"):
        out["internal"] = True
    since(out, f)
    return out


def message(m):
    params = [[p["name"], p["type"]] + ([p["default"]] if "default" in p else []) for p in m["params"]]
    out = {"params": params, "result": m["result"]}
    if m["async"]:
        out["async"] = True
    if m.get("session") is False:
        out["session"] = False
    life = m.get("lifecycle", {})
    if life.get("state") == "removed":
        out["removed"] = True
    since(out, m)
    return out


def cls(c):
    out = {k: c[k] for k in ("events", "in_database") if c.get(k)}
    if c.get("constructor"):
        out["constructor"] = [a["name"] for a in c["constructor_args"] if a["required"]]
    out["fields"] = {n: field(f) for n, f in c["fields"].items()}
    out["messages"] = {n: message(m) for n, m in c["messages"].items()}
    return out


def dump(value, depth):
    if isinstance(value, dict) and depth > 0 and value:
        body = ",\n".join(json.dumps(k) + ":" + dump(v, depth - 1) for k, v in value.items())
        return "{\n" + body + "\n}"
    return json.dumps(value, separators=(",", ":"))


trimmed = {
    "source": full["_meta"]["source"],
    "enums": full["enums"],
    "relations": full["relations"],
    "alerts": full["alerts"],
    "errors": {k: v for k, v in full["errors"].items() if k in raised},
    "classes": {n: cls(c) for n, c in full["classes"].items()},
}
lines = []
for key, value in trimmed.items():
    depth = {"enums": 1, "errors": 1, "classes": 4}.get(key, 0)
    if key == "classes":
        value = {n: c for n, c in value.items()}
        text = "{\n" + ",\n".join(json.dumps(n) + ":" + "{" + ",".join(
            json.dumps(k) + ":" + dump(v, 1 if k in ("fields", "messages") else 0) for k, v in c.items()) + "}" for n, c in value.items()) + "\n}"
    else:
        text = dump(value, depth)
    lines.append(json.dumps(key) + ":" + text)
print("{\n" + ",\n".join(lines) + "\n}")
