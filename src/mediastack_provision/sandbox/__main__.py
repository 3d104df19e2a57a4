"""`python -m mediastack_provision.sandbox`: the sandbox without the rest of the wrapper."""

from __future__ import annotations

import sys

from mediastack_provision.sandbox import images, machine
from mediastack_provision.sandbox.docker import find_engine
from mediastack_provision.sandbox.progress import Progress

p = Progress()
im = images.Images(find_engine(), images.find_source(), machine.cache_directory(), machine.mirror(), p)
for r in sys.argv[1:]:
    rel, _, kind = r.partition("-")
    print(im.server(machine.release(rel), kind or "bare"))
