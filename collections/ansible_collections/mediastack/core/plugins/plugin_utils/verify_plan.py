"""What proves that a server runs the resolved stack: a list of checks, as data.

The controller plans (this file, pure), the target executes (`module_utils/`, the `verify` module).

    build(stack, secrets, rendered) -> {"checks": [check, ...], "secrets": {"<instance>/<name>": "<value>"}}

`checks` holds no secret: a check names one as ``"secret": "<instance>/<name>"``, a key of `secrets`, which
goes to the module as an argument of its own (`no_log`). Every check has

    id        unique and stable, "<kind>.<subject>[.<subject>]", for instance "api.radarr", "hardlink.qbittorrent.radarr"
    kind      one of the table below
    group     what it is printed under: containers, api, vpn, hardlink, exposure, stack, edge, storage
    title     one line that says what holds when it passes
    remedy    one line that says what to do when it does not
    severity  "fail" or "warn": a warning never makes the run fail
    instance  the instance it is about, or null

and, by kind (every field is always there unless it says "optional"):

| kind | fields | passes when |
|---|---|---|
| container | container, health: bool | it runs; with health: Docker calls it healthy |
| api | url, path, method, expect_status [int], auth, refuse_path, refuse_status [int] | `url`+`path` with `auth` answers one of expect_status, `url`+`refuse_path` without it answers one of refuse_status (empty list: there is nothing to refuse) |
| namespace | member, gateway (containers) | both have the same network namespace inode now |
| hardlink | writer{container, uid, gid, directory}, reader{container, uid, gid, source, target} | a probe file that writer's uid made in `directory` (path in the writer) is linked by reader's uid from `source` (the same folder, as the reader sees it) into `target`: one inode, link count 2; both are removed afterwards |
| ports | declared [{protocol, address, port, instance}], containers [name] | what our containers publish, and what listens for them on the host, is exactly the declared set |
| stack_equal | instances [{instance, container, spec, image, reference, digest or null, gateway or null}] | each container's label mediastack.spec is `spec`, and its image is the one `image` names; no other container is labelled as ours |
| https | name, scheme, address, port, ca (path on the target of the root certificate, or null: the system's), path, expect_status [int] | the edge answers for `name` at `address`:`port` (name sent as SNI and Host, no DNS asked), with a certificate that verifies against `ca` and names it |
| storage | downloads, library (paths on the host) | both are on one filesystem |

The address of an `api` check is what the *target* reaches: a container's static address on its bridge, the
gateway's for an instance in its namespace, 127.0.0.1 for one in the host's network.

`auth` is one of

    {"kind": "none"}
    {"kind": "header", "header": "X-Api-Key", "format": "{secret}", "secret": "radarr/api_key"}
    {"kind": "basic", "username": "admin", "secret": "…"}
    {"kind": "form", "path": "/api/v2/auth/login", "fields": {"username": "admin"}, "secret_field": "password", "secret": "…"}
        POST it as a form, then send back every cookie that the answer set (any 2xx is a good login)
    {"kind": "token", "path": "/Users/AuthenticateByName", "headers": {…}, "json": {"Username": "admin"},
     "secret_field": "Pw", "secret": "…", "answer": "AccessToken", "header": "Authorization", "format": "MediaBrowser Token=\"{token}\""}
        POST it as JSON, read the answer's key, send it as the header

A later kind only adds a row; an executor reports a kind that it does not know as a failure, never as a pass.
"""
