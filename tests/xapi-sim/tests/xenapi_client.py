"""Drives the simulator with PyPI's XenAPI: xenapi_client.py URL CONTROL. Any surprise is an exception."""

import json
import sys
import urllib.request
import xmlrpc.client

import XenAPI

url, control = sys.argv[1:]


def command(name, **params):
    request = urllib.request.Request(f"{control}/{name}", json.dumps(params).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))["ok"]


def fails(code, call, *args):
    try:
        call(*args)
    except XenAPI.Failure as failure:
        assert failure.details[0] == code, failure.details
        return failure.details
    raise AssertionError(f"no {code}")


session = XenAPI.Session(url, ignore_ssl=True)
fails("SESSION_AUTHENTICATION_FAILED", session.xenapi.login_with_password, "root", "wrong")
session.xenapi.login_with_password("root", "password", "1.0", "python test")
x = session.xenapi

# Types as xmlrpc.client decodes them.
(pool,) = x.pool.get_all_records().values()
host = x.host.get_record(pool["master"])
assert isinstance(host["API_version_major"], str) and host["API_version_major"].isdigit()
(vm,) = x.VM.get_by_name_label("silver")
record = x.VM.get_record(vm)
assert record["power_state"] == "Running" and record["is_a_template"] is False
assert record["memory_static_max"] == "2147483648" and isinstance(record["HVM_shadow_multiplier"], float)
assert isinstance(record["snapshot_time"], xmlrpc.client.DateTime)
assert isinstance(record["other_config"], dict) and isinstance(record["VBDs"], list)
assert x.session.get_originator(session.handle) == "python test"
everything = x.VM.get_all_records()
assert everything[vm] == x.VM.get_record(vm)
where = x.VM.get_all_records_where('(field "is_a_template" = "false") and (field "is_control_domain" = "false")')
assert len(where) == 8, len(where)

# Errors.
assert fails("VM_BAD_POWER_STATE", x.VM.start, vm, False, False) == ["VM_BAD_POWER_STATE", vm, "halted", "running"]
fails("HANDLE_INVALID", x.VM.get_record, "OpaqueRef:no")
fails("MESSAGE_METHOD_UNKNOWN", x.VM.dance, vm)
fails("MESSAGE_PARAMETER_COUNT_MISMATCH", x.VM.start, vm)

# Events: first everything, then only what changed. The number of tasks is a true int.
first = x.event_from(["vm", "host"], "", 5.0)
assert {e["operation"] for e in first["events"]} == {"add"}
assert isinstance(first["valid_ref_counts"]["task"], int)
x.VM.set_name_description(vm, "seen < by & python")
second = x.event_from(["vm"], first["token"], 5.0)
assert [(e["class"], e["operation"], e["ref"]) for e in second["events"]] == [("vm", "mod", vm)]
assert second["events"][0]["snapshot"]["name_description"] == "seen < by & python"

# A task, watched by events.
task = x.Async.VM.clean_shutdown(vm)
token = ""
while True:
    answer = x.event_from([f"task/{task}"], token, 10.0)
    token = answer["token"]
    if any(e["snapshot"]["status"] != "pending" for e in answer["events"]):
        break
assert x.task.get_status(task) == "success", x.task.get_error_info(task)
assert x.task.get_result(task) == "<value></value>"
x.task.destroy(task)
assert x.VM.get_power_state(vm) == "Halted"
x.VM.set_VCPUs_max(vm, "4")
assert x.VM.get_VCPUs_max(vm) == "4"
x.VM.start(vm, False, False)
assert x.VM.get_power_state(vm) == "Running"

# Every class that can be listed, and each object as it is alone.
methods = session.system.listMethods()
listed = 0
for kind in (m.split(".")[0] for m in methods if m.endswith(".get_all_records")):
    try:
        records = getattr(x, kind).get_all_records()
    except XenAPI.Failure as failure:
        assert failure.details == ["MESSAGE_REMOVED"], (kind, failure.details)
        continue
    listed += len(records)
    if records and f"{kind}.get_record" in methods and kind not in ("session", "task"):
        ref, record = next(iter(records.items()))
        assert getattr(x, kind).get_record(ref) == record, kind
assert listed > 400, listed

# A snapshot: the task's result names it, an event shows it and the VM that has it.
token = x.event_from([], "", 0.0)["token"]
task = x.Async.VM.snapshot(vm, "by python", [])
status = ""
while status not in ("success", "failure"):
    status = x.task.get_status(task)
assert status == "success", x.task.get_error_info(task)
snapshot = x.task.get_result(task).removeprefix("<value>").removesuffix("</value>")
seen = {e["ref"]: e for e in x.event_from(["VM"], token, 10.0)["events"]}
assert seen[snapshot]["operation"] == "add" and seen[snapshot]["snapshot"]["snapshot_of"] == vm
assert snapshot in seen[vm]["snapshot"]["snapshots"]
x.VM.destroy(snapshot)
fails("HANDLE_INVALID", x.VM.get_record, snapshot)

# A lost session is renewed by the client itself.
command("kill-sessions")
assert x.VM.get_power_state(vm) == "Running"

session.xenapi.session.logout()

# A slave is named, not followed. (Becoming one has cut the old connection.)
command("slave", master="192.0.2.1")
slave = XenAPI.Session(url, ignore_ssl=True)
found = fails("HOST_IS_SLAVE", slave.xenapi.login_with_password, "root", "password")
assert found == ["HOST_IS_SLAVE", "192.0.2.1"]
command("master")
slave.xenapi.login_with_password("root", "password")
