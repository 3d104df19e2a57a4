"""From the environment to checked settings; what the real one refuses is refused."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from peers.framework import journal
from peers.gluetun import variables

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

WIREGUARD_PROVIDERS = ("airvpn", "custom", "fastestvpn", "ivpn", "mullvad", "nordvpn", "protonvpn", "surfshark",
                       "windscribe")  # fmt: skip
FIXED_PORT = ("fastestvpn", "nordvpn", "protonvpn", "surfshark")
FORWARDING_PROVIDERS = ("perfect privacy", "private internet access", "privatevpn", "protonvpn")
TRUE, FALSE = ("on", "true", "yes", "1", "enabled"), ("off", "false", "no", "0", "disabled", "")


class SettingsError(Exception):
    """The settings forbid a start; the text is what the log says."""


@dataclass(frozen=True)
class Tunnel:
    """The WireGuard connection."""

    interface: str
    private_key: str
    preshared_key: str
    public_key: str
    endpoint: str
    port: int
    addresses: tuple[Interface, ...]
    allowed: tuple[Network, ...]
    mtu: int
    keepalive: int


@dataclass(frozen=True)
class Firewall:
    """What passes besides the tunnel."""

    enabled: bool
    input_ports: tuple[int, ...]
    vpn_input_ports: tuple[int, ...]
    outbound_subnets: tuple[Network, ...]


@dataclass(frozen=True)
class Forwarding:
    """The port that the provider forwards."""

    enabled: bool
    file: Path
    up: str
    down: str
    listening_port: int


@dataclass(frozen=True)
class Settings:
    """Everything."""

    provider: str
    tunnel: Tunnel
    firewall: Firewall
    forwarding: Forwarding
    health_address: tuple[str, int]
    restart_vpn: bool
    dns: bool
    keep_nameserver: bool
    proxy: tuple[str, int] | None
    proxy_user: str
    proxy_password: str
    control_address: tuple[str, int]
    roles_file: Path
    default_role: str
    public_ip_file: Path | None


class Reader:
    """Values of the environment, files named by *_SECRETFILE before them, defaults after."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Old names are taken over with a warning."""
        self._values = {name: value for name, value in environment.items() if value != ""}
        for old, new in variables.OLD.items():
            if old in self._values:
                journal.say(
                    f"WARN You are using the old environment variable {old}, please consider changing it to {new}"
                )
                self._values.setdefault(new, self._values[old])

    def text(self, name: str) -> str:
        """A value, stripped of blanks and newlines at its end."""
        return self._values.get(name, variables.DEFAULTS.get(name, "")).strip()

    def secret(self, name: str) -> str:
        """The content of the file in <name>_SECRETFILE when there is one, else the value of <name>."""
        path = Path(self.text(f"{name}_SECRETFILE") or "/nonexistent")
        if path.is_file():
            try:
                return journal.hide(path.read_text("utf-8").strip())
            except OSError as error:
                raise SettingsError(f"reading {name} secret file: {error}") from error
        return journal.hide(self.text(name))

    def switch(self, name: str) -> bool:
        """On or off in any of the accepted words."""
        value = self.text(name).lower()
        if value not in TRUE + FALSE:
            raise SettingsError(f"environment variable {name}: value is not a valid boolean: {value}")
        return value in TRUE

    def words(self, name: str) -> list[str]:
        """A comma-separated list."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def number(self, name: str, low: int = 0, high: int = 65535) -> int:
        """A whole number within bounds; an empty one is 0."""
        value = self.text(name) or "0"
        if not value.isdigit() or not low <= int(value) <= high:
            raise SettingsError(f"environment variable {name}: value is not valid: {value}")
        return int(value)

    def ports(self, name: str) -> tuple[int, ...]:
        """A list of ports."""
        found = self.words(name)
        for value in found:
            if not value.isdigit() or not 1 <= int(value) <= 65535:
                raise SettingsError(f"environment variable {name}: port is not valid: {value}")
        return tuple(int(value) for value in found)

    def networks(self, name: str) -> tuple[Network, ...]:
        """A list of prefixes."""
        try:
            return tuple(ipaddress.ip_network(value, strict=False) for value in self.words(name))
        except ValueError as error:
            raise SettingsError(f"environment variable {name}: {error}") from error

    def address(self, name: str) -> tuple[str, int]:
        """`host:port`; an empty host is every address."""
        host, _, port = self.text(name).rpartition(":")
        if not port.isdigit():
            raise SettingsError(f"environment variable {name}: listening address is not valid: {self.text(name)}")
        return host.strip("[]"), int(port)


def key(value: str, name: str) -> str:
    """A WireGuard key: 32 bytes in base64."""
    try:
        if len(base64.b64decode(value, validate=True)) == 32:
            return value
    except (ValueError, binascii.Error):
        pass
    raise SettingsError(f"{name} is not valid: a key is 32 bytes in base64")


def _addresses(reader: Reader, *, ipv6: bool) -> tuple[Interface, ...]:
    """Our own addresses in the tunnel."""
    found = []
    for word in reader.secret("WIREGUARD_ADDRESSES").split(","):
        try:
            found.append(ipaddress.ip_interface(word.strip()))
        except ValueError as error:
            raise SettingsError(f"Wireguard settings: interface address is not set or not valid: '{word}'") from error
        if found[-1].version == 6 and not ipv6:
            raise SettingsError(f"Wireguard settings: interface address is IPv6 but IPv6 is not supported: {word}")
    return tuple(found)


def _endpoint(reader: Reader, provider: str) -> tuple[str, int]:
    """Address and UDP port of the server."""
    where, port = reader.text("WIREGUARD_ENDPOINT_IP"), reader.text("WIREGUARD_ENDPOINT_PORT")
    prefix = "Wireguard server selection settings"
    if provider == "custom" and not where:
        raise SettingsError(f"{prefix}: endpoint IP is not set")
    if provider == "custom" and not port:
        raise SettingsError(f"{prefix}: endpoint port is not set")
    if provider in FIXED_PORT and port:
        raise SettingsError(f"{prefix}: endpoint port is set for provider {provider}")
    if not where:
        raise SettingsError(f"no server found: this stand-in has no server list for provider {provider}; use custom")
    try:
        ipaddress.ip_address(where)
    except ValueError as error:
        raise SettingsError(f"{prefix}: endpoint IP is not valid: {where}") from error
    return where, reader.number("WIREGUARD_ENDPOINT_PORT", 1) if port else 51820


def _tunnel(reader: Reader, provider: str, *, ipv6: bool) -> Tunnel:
    private = reader.secret("WIREGUARD_PRIVATE_KEY")
    if not private:
        raise SettingsError("Wireguard settings: private key is not set")
    preshared = reader.secret("WIREGUARD_PRESHARED_KEY")
    if provider == "airvpn" and not preshared:
        raise SettingsError("Wireguard settings: pre-shared key is not set")
    addresses = _addresses(reader, ipv6=ipv6)
    endpoint, port = _endpoint(reader, provider)
    public = reader.text("WIREGUARD_PUBLIC_KEY")
    if not public:
        raise SettingsError("Wireguard server selection settings: public key is not set")
    implementation = reader.text("WIREGUARD_IMPLEMENTATION")
    if implementation not in {"auto", "userspace", "kernelspace"}:
        raise SettingsError(f"Wireguard settings: implementation is not valid: {implementation}")
    return Tunnel(
        interface=reader.text("VPN_INTERFACE"),
        private_key=key(private, "private key"),
        preshared_key=key(preshared, "pre-shared key") if preshared else "",
        public_key=key(public, "public key"),
        endpoint=endpoint,
        port=port,
        addresses=addresses,
        allowed=reader.networks("WIREGUARD_ALLOWED_IPS"),
        mtu=reader.number("WIREGUARD_MTU", 576),
        keepalive=_seconds(reader.text("WIREGUARD_PERSISTENT_KEEPALIVE_INTERVAL")),
    )


def _seconds(value: str) -> int:
    """A duration such as `25s`."""
    number = value.removesuffix("s")
    if not number.isdigit():
        raise SettingsError(f"Wireguard settings: persistent keepalive interval is not valid: {value}")
    return int(number)


def _forwarding(reader: Reader, provider: str) -> Forwarding:
    enabled = reader.switch("VPN_PORT_FORWARDING")
    chosen = reader.text("VPN_PORT_FORWARDING_PROVIDER").lower() or provider
    if enabled and chosen not in FORWARDING_PROVIDERS:
        choices = ", ".join(FORWARDING_PROVIDERS)
        raise SettingsError(f"port forwarding cannot be enabled: {chosen} is not one of {choices}")
    names = ("VPN_PORT_FORWARDING_USERNAME", "VPN_PORT_FORWARDING_PASSWORD")
    if enabled and chosen == "private internet access" and not all(reader.text(name) for name in names):
        raise SettingsError("port forwarding username or password is empty")
    return Forwarding(
        enabled,
        Path(reader.text("VPN_PORT_FORWARDING_STATUS_FILE")),
        reader.text("VPN_PORT_FORWARDING_UP_COMMAND"),
        reader.text("VPN_PORT_FORWARDING_DOWN_COMMAND"),
        reader.number("VPN_PORT_FORWARDING_LISTENING_PORT"),
    )


def read(environment: Mapping[str, str], *, ipv6: bool) -> Settings:
    """Read and check everything. Raises SettingsError."""
    strangers = variables.unknown(environment)
    if strangers:
        raise SettingsError(f"gluetun 3.41 knows no variable {', '.join(strangers)} (the real one would ignore it)")
    reader = Reader(environment)
    kind, provider = reader.text("VPN_TYPE").lower(), reader.text("VPN_SERVICE_PROVIDER").lower()
    if kind not in {"wireguard", "openvpn"}:
        raise SettingsError(f"VPN settings: VPN type is not valid: {kind} is not one of openvpn, wireguard")
    if kind == "openvpn":
        raise SettingsError("this stand-in carries WireGuard only; set VPN_TYPE=wireguard")
    if provider not in WIREGUARD_PROVIDERS:
        raise SettingsError(f"VPN provider name is not valid for Wireguard: {provider}")
    upstream = reader.text("DNS_UPSTREAM_RESOLVER_TYPE").lower()
    if upstream not in {"dot", "doh", "plain"}:
        raise SettingsError(f"DNS settings: upstream type is not valid: {upstream}")
    public_ip = reader.switch("PUBLICIP_ENABLED")
    return Settings(
        provider=provider,
        tunnel=_tunnel(reader, provider, ipv6=ipv6),
        firewall=Firewall(
            reader.switch("FIREWALL_ENABLED_DISABLING_IT_SHOOTS_YOU_IN_YOUR_FOOT"),
            reader.ports("FIREWALL_INPUT_PORTS"),
            reader.ports("FIREWALL_VPN_INPUT_PORTS"),
            reader.networks("FIREWALL_OUTBOUND_SUBNETS"),
        ),
        forwarding=_forwarding(reader, provider),
        health_address=reader.address("HEALTH_SERVER_ADDRESS"),
        restart_vpn=reader.switch("HEALTH_RESTART_VPN"),
        dns=reader.switch("DNS_SERVER"),
        keep_nameserver=reader.switch("DNS_KEEP_NAMESERVER"),
        proxy=reader.address("HTTPPROXY_LISTENING_ADDRESS") if reader.switch("HTTPPROXY") else None,
        proxy_user=reader.secret("HTTPPROXY_USER"),
        proxy_password=reader.secret("HTTPPROXY_PASSWORD"),
        control_address=reader.address("HTTP_CONTROL_SERVER_ADDRESS"),
        roles_file=Path(reader.text("HTTP_CONTROL_SERVER_AUTH_CONFIG_FILEPATH")),
        default_role=reader.text("HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE"),
        public_ip_file=Path(reader.text("PUBLICIP_FILE")) if public_ip else None,
    )
