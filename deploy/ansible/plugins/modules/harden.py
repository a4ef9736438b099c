#!/usr/bin/python
# SPDX-License-Identifier: BSD-3-Clause
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: harden
short_description: Make a machine fit for Go with vmgo harden
description:
  - Applies a profile of C(vmgo harden), or undoes everything that it has applied.
  - In check mode and with C(--diff) it shows the plan that C(vmgo harden plan) shows.
options:
  profile:
    description: What the machine is for.
    type: str
    choices: [dev, ci, server]
    default: server
  only:
    description: Items in place of the profile's. An item that somebody has changed since is applied again if it is named here.
    type: list
    elements: str
    default: []
  state:
    description: With V(absent), what was applied is undone.
    type: str
    choices: [present, absent]
    default: present
  executable:
    description: The path of vmgo.
    type: str
    default: /usr/local/bin/vmgo
author: The vmgo Authors (@vmgo)
"""

EXAMPLES = r"""
- name: A server
  vmgo.vmgo.harden:
    profile: server
"""

RETURN = r"""
items:
  description: The state of each item.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vmgo.vmgo.plugins.module_utils.run import document, missing


def shown(plan):
    """Returns the changes of a plan as text."""
    parts = []
    for item in plan["items"]:
        parts += [change["diff"] for change in item.get("changes") or []]
        parts += ["# %s: %s" % (item["id"], command) for command in item.get("commands") or []]
    return "\n".join(parts)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            profile=dict(type="str", choices=["dev", "ci", "server"], default="server"),
            only=dict(type="list", elements="str", default=[]),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            executable=dict(type="str", default="/usr/local/bin/vmgo"),
        ),
        supports_check_mode=True,
    )
    present = module.params["state"] == "present"
    if missing(module):
        module.exit_json(changed=present, msg="vmgo is yet to be installed", items={})
    flags = ["--json"]
    if module.params["only"]:
        flags += ["--only", ",".join(module.params["only"])]
    if present:
        flags += ["--profile", module.params["profile"]]
        plan = document(module, "harden", "plan", *flags)
    else:
        plan = document(module, "harden", "undo", "--dry-run", *flags)
    changed = bool(plan["changes"])
    for item in plan["items"]:
        if present and item["state"] == "drifted" and item["id"] not in module.params["only"]:
            module.warn("harden: %s was changed by somebody else and is left alone: %s" % (item["id"], item.get("reason", "")))
    if changed and not module.check_mode:
        document(module, "harden", "apply" if present else "undo", *flags)
    module.exit_json(changed=changed, items={i["id"]: i["state"] for i in plan["items"]}, diff=dict(prepared=shown(plan)))


if __name__ == "__main__":
    main()
