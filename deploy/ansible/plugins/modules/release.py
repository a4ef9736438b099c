#!/usr/bin/python
# SPDX-License-Identifier: BSD-3-Clause
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: release
short_description: Install Go releases with vmgo
description:
  - Installs releases of Go in the machine's store and selects its default.
  - Each release is verified against the checksum database, as C(vmgo install) does.
options:
  name:
    description: Releases, as C(vmgo install) takes them, such as V(1.27.4), V(1.26) or V(latest).
    type: list
    elements: str
    default: []
  default:
    description: The release to be the machine's default. Empty leaves it as it is.
    type: str
    default: ""
  state:
    description: With V(absent), the installed releases that O(name) means are uninstalled.
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
- name: Two releases
  vmgo.vmgo.release:
    name: ["1.27.4", "1.26"]
    default: "1.27.4"
"""

RETURN = r"""
releases:
  description: The installed releases.
  type: list
  elements: str
  returned: always
default:
  description: The machine's default, empty if there is none.
  type: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vmgo.vmgo.plugins.module_utils.run import document, events, missing, vmgo


def installed(module):
    return [row["version"] for row in document(module, "list", "--json")]


def machine_default(module):
    words = vmgo(module, "default", "--system", ok=(0, 3)).split()
    return words[0] if words else ""


def means(name, version):
    """Reports whether a release is what a name means: 1.26 means 1.26.8."""
    name = name[2:] if name.startswith("go") else name
    return version == name or version.startswith(name + ".")


def present(module, releases, default):
    names, wanted = module.params["name"], module.params["default"]
    if names:
        flags = ["--dry-run"] if module.check_mode else []
        for event in events(module, "install", "--json", *(flags + names)):
            if event["event"] in ("installed", "resolved") and event["version"] not in releases:
                releases = releases + [event["version"]]
    if wanted:
        # The event says which release a selector means.
        for event in events(module, "install", "--json", "--dry-run", wanted):
            if event["event"] in ("present", "resolved"):
                default = event["version"]
        if default not in releases and not module.check_mode:
            module.fail_json(msg="the default %s is not among the releases" % wanted)
        if default != machine_default(module) and not module.check_mode:
            vmgo(module, "default", "--system", default)
    return releases, default


def absent(module, releases, default):
    gone = [v for v in releases if any(means(name, v) for name in module.params["name"])]
    if gone and not module.check_mode:
        vmgo(module, "uninstall", "--force", *gone)
    return [v for v in releases if v not in gone], "" if default in gone else default


def text(releases, default):
    return "".join("%s%s\n" % (v, " (default)" if v == default else "") for v in sorted(releases))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="list", elements="str", default=[]),
            default=dict(type="str", default=""),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            executable=dict(type="str", default="/usr/local/bin/vmgo"),
        ),
        supports_check_mode=True,
    )
    if missing(module):
        here = module.params["state"] == "present" and bool(module.params["name"])
        module.exit_json(changed=here, msg="vmgo is yet to be installed", releases=[], default="")
    before = installed(module), machine_default(module)
    change = present if module.params["state"] == "present" else absent
    after = change(module, *before)
    module.exit_json(
        changed=text(*before) != text(*after), releases=after[0], default=after[1],
        diff=dict(before=text(*before), after=text(*after), before_header="Go releases", after_header="Go releases"),
    )


if __name__ == "__main__":
    main()
