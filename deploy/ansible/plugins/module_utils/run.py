# SPDX-License-Identifier: BSD-3-Clause
"""How the modules of this collection run vmgo."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os


def missing(module):
    """Reports whether there is no vmgo. In check mode it may be yet to come."""
    if os.access(module.params["executable"], os.X_OK):
        return False
    if module.check_mode:
        return True
    module.fail_json(msg="there is no %s" % module.params["executable"])


def vmgo(module, *words, **options):
    """Returns what vmgo prints. A status that is not in ok fails the task."""
    rc, out, err = module.run_command([module.params["executable"]] + list(words))
    if rc not in options.get("ok", (0,)):
        lines = [line for line in err.splitlines() if line.startswith(("vmgo: ", "hint: "))]
        module.fail_json(msg="\n".join(lines) or err or out, cmd=" ".join(words), rc=rc, stdout=out, stderr=err)
    return out


def document(module, *words, **options):
    """Returns the JSON document that vmgo prints."""
    return json.loads(vmgo(module, *words, **options))


def events(module, *words):
    """Returns the JSON objects that vmgo prints, one on each line."""
    return [json.loads(line) for line in vmgo(module, *words).splitlines() if line.startswith("{")]
