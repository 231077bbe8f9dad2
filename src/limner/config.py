"""A workspace's settings: one frozen Config from limner.toml. The only reader of environment and TOML."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limner.errors import ConfigError, NotFoundError, did_you_mean

FILE = "limner.toml"

T = TypeVar("T")


def key(default: T, doc: str) -> T:
    """A setting: its default and what it means (the reference page is made from this)."""
    made: T = field(default=default, metadata={"doc": doc})
    return made


@dataclass(frozen=True)
class Email:
    """Where and as whom e-mail is sent."""

    host: str = key("127.0.0.1", "The SMTP server.")
    port: int = key(25, "Its port.")
    sender: str = key("", "From whom, for example `Shop <hello@shop.example>`; needed to send.")
    username: str = key("", "The user name, when the server asks for one.")
    password_env: str = key("", "The environment variable that holds the password.")
    tls: str = key("none", "`none`, `starttls` or `tls`.")
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the server takes them.")
    dkim_selector: str = key(
        "", "The selector under which the public key is published; empty: mails are not signed."
    )
    dkim_key_file: str = key(
        "",
        "The file with the private key (PEM: RSA or Ed25519); a relative path is from the workspace's folder.",
    )
    dkim_key_env: str = key("", "The environment variable that holds the private key instead of a file.")
    dkim_domain: str = key("", "The domain that signs; empty: the sender's.")
    bounces: str = key(
        "",
        "The address that undeliverable mails come back to, for example `bounce@shop.example`: each message uses"
        " `bounce+ITS-ID@shop.example`. Empty: they come back to the sender.",
    )
    soft_bounces: int = key(
        3, "An address gets no more when so many messages in a row came back for a passing reason; 0: never."
    )
    callback_env: str = key(
        "",
        "The environment variable that holds the secret word in the address that returned mails are posted to.",
    )


@dataclass(frozen=True)
class Mailbox:
    """The mailbox that undeliverable mails and complaints come back to."""

    host: str = key("", "The IMAP or POP3 server; empty: no mailbox is read.")
    port: int = key(993, "Its port.")
    protocol: str = key(
        "imap", "`imap` or `pop3`. What was read is marked as seen (IMAP), or deleted (POP3)."
    )
    tls: str = key("tls", "`tls`, `starttls` or `none`.")
    username: str = key("", "The user name.")
    password_env: str = key("", "The environment variable that holds the password.")
    folder: str = key("INBOX", "The folder that is read (IMAP).")
    seconds: float = key(60.0, "How often it is read.")


@dataclass(frozen=True)
class Wechat:
    """The WeChat official account."""

    api: str = key("https://api.weixin.qq.com", "The platform's address.")
    app_id: str = key("", "The account's AppID; needed to send.")
    secret_env: str = key("", "The environment variable that holds the AppSecret.")
    token_env: str = key("", "The environment variable that holds the Token by which callbacks are signed.")
    aes_key_env: str = key(
        "", "The environment variable that holds the EncodingAESKey of encrypted callbacks."
    )
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the platform takes them.")


@dataclass(frozen=True)
class Miniprogram:
    """The WeChat mini-program whose subscribe messages are sent."""

    api: str = key("https://api.weixin.qq.com", "The platform's address.")
    app_id: str = key("", "The mini-program's AppID; needed to send.")
    secret_env: str = key("", "The environment variable that holds the AppSecret.")
    address: str = key(
        "mini_openid", "The attribute or identifier that holds a person's openid in the mini-program."
    )
    state: str = key("formal", "Which version a message opens: `formal`, `trial` or `developer`.")
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the platform takes them.")


@dataclass(frozen=True)
class Sms:
    """Text messages over Aliyun's SMS platform."""

    api: str = key("https://dysmsapi.aliyuncs.com", "The platform's address.")
    access_key: str = key("", "The AccessKey ID; needed to send.")
    secret_env: str = key("", "The environment variable that holds the AccessKey Secret.")
    address: str = key("phone", "The attribute or identifier that holds a person's phone number.")
    callback_env: str = key(
        "",
        "The environment variable that holds the secret word in the addresses that receipts and replies are posted to.",
    )
    price: float = key(0.0, "What one segment costs, in `currency`; 0: costs are not shown.")
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the platform takes them.")


@dataclass(frozen=True)
class Push:
    """App push over Getui."""

    api: str = key("https://restapi.getui.com/v2", "The platform's address.")
    app_id: str = key("", "The app's AppID; needed to send.")
    app_key: str = key("", "The app's AppKey.")
    secret_env: str = key("", "The environment variable that holds the MasterSecret.")
    address: str = key("cid", "The attribute or identifier that holds the client id of a person's device.")
    ttl_seconds: int = key(7_200, "How long a message waits for a device that is not reached.")
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the platform takes them.")


@dataclass(frozen=True)
class Wecom:
    """WeCom: customers of the staff, their tags, contact codes, mass messages, the sidebar."""

    api: str = key("https://qyapi.weixin.qq.com", "The platform's address.")
    corp_id: str = key("", "The company's id; needed to send.")
    agent_id: str = key("", "The application's AgentId; the sidebar needs it.")
    secret_env: str = key("", "The environment variable that holds the application's Secret.")
    token_env: str = key("", "The environment variable that holds the Token by which callbacks are signed.")
    aes_key_env: str = key("", "The environment variable that holds the EncodingAESKey of callbacks.")
    sign_in: str = key(
        "https://open.weixin.qq.com/connect/oauth2/authorize",
        "Where the sidebar lets a member of staff sign in.",
    )
    sidebar_role: str = key(
        "viewer", "What members of staff see of their customers: as `viewer` (masked) or as `operator`."
    )
    company_tags: int = key(10_000, "The most tags that the company may have at the platform.")
    sync_seconds: float = key(
        300.0, "How often relations, tags and what became of messages are asked for; 0: only by hand."
    )
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the platform takes them.")


@dataclass(frozen=True)
class Apprise:
    """Whatever else Apprise reaches: Telegram, Slack, Discord, DingTalk, Feishu, Bark, ntfy and many more."""

    url_env: str = key(
        "",
        "The environment variable that holds the service's Apprise URL, with `{address}` where a person's address"
        " goes; needed to send.",
    )
    address: str = key("chat_id", "The attribute or identifier that holds a person's address at the service.")
    allowed: tuple[str, ...] = key(
        (), "Networks that the service may stand in although they are not public, for example `10.0.0.0/8`."
    )
    messages_per_second: float = key(0.0, "The sending rate; 0 is as fast as the service takes them.")


@dataclass(frozen=True)
class Webhooks:
    """What is posted to other systems: files in webhooks/, and steps of journeys."""

    secret_env: str = key(
        "",
        "The environment variable that holds the secret (`whsec_…`) by which posts are signed; empty: unsigned.",
    )
    allowed: tuple[str, ...] = key(
        (), "Networks that may be posted to although they are not public, for example `10.0.0.0/8`."
    )
    seconds: float = key(10.0, "A post must be answered within this time.")
    audience_seconds: float = key(
        60.0, "How often it is looked at who entered and left the audiences that webhooks are told of."
    )


@dataclass(frozen=True)
class Cluster:
    """The Spark cluster that computes tags, where `engine` is `spark`."""

    master: str = key("", "Its address, for example `spark://10.0.0.5:7077`.")
    folder: str = key(
        "",
        "A folder for this workspace alone, at the same path on every worker; relative to the workspace.",
    )
    python: str = key("", "The workers' Python, which needs Limner; empty: the path of this machine's.")


@dataclass(frozen=True)
class Limits:
    """What the collector and imports take."""

    event_bytes: int = key(32_768, "The largest single event; a larger one in a batch is quarantined.")
    batch_bytes: int = key(512_000, "The largest body, also after decompression.")
    batch_events: int = key(10_000, "The most events in one batch.")
    depth: int = key(32, "The deepest nesting of JSON.")
    keys: int = key(500, "The most properties of one event.")
    key_length: int = key(100, "The longest property name.")
    message_id_length: int = key(100, "The longest messageId.")
    user_id_length: int = key(256, "The longest user id or device id.")
    event_name_length: int = key(200, "The longest event name.")
    property_columns: int = key(
        2_000, "The most typed property columns; beyond, values stay in the raw JSON."
    )
    event_names: int = key(10_000, "The most event names; beyond, events are kept under `$other`.")
    import_bytes: int = key(2_000_000_000, "The largest file taken over HTTP.")
    field_bytes: int = key(131_072, "The longest field of an imported file.")
    free_bytes: int = key(50_000_000, "Below this free disk space the collector answers 503.")
    body_seconds: float = key(15.0, "A body must be complete within this time, else 408.")
    header_seconds: float = key(10.0, "Headers must be complete within this time, else 408.")
    events_per_second: int = key(0, "The most events a second from one source, else 429; 0 is no limit.")


@dataclass(frozen=True)
class Config:
    """Every setting of a workspace."""

    name: str = key("limner", "The workspace's name, shown to people.")
    zone: str = key("UTC", "The time zone of calendar windows, schedules and quiet hours.")
    currency: str = key("CNY", "The ISO currency of amounts.")
    redirect_hosts: tuple[str, ...] = key(
        (), "Hosts, besides that of `public_url`, that hosted forms and invitations may lead to."
    )
    public_url: str = key(
        "", "The address under which recipients reach this server; links in messages need it."
    )
    strong_keys: tuple[str, ...] = key(
        ("email", "phone", "openid", "unionid", "external_userid"),
        "Identifiers besides the user id that name exactly one person.",
    )
    personal: tuple[str, ...] = key(
        (
            "email",
            "phone",
            "name",
            "first_name",
            "last_name",
            "nickname",
            "address",
            "birthday",
            "openid",
            "unionid",
            "external_userid",
        ),
        "Attributes and identifiers that viewers see masked.",
    )
    money_properties: tuple[str, ...] = key(
        ("revenue", "amount", "total", "subtotal", "price", "value", "discount", "tax", "shipping"),
        "Event properties that are money: kept exactly, in 1/10,000 of the currency unit.",
    )
    definitions: str = key(
        "files", "`files`: people may change definitions in the browser; `read-only`: only git does."
    )
    approval_people: int = key(
        1_000,
        "A message to more people than this needs another person's approval; 0: always, -1: never.",
    )
    approvals: bool = key(
        False,
        "Whether a changed tag is applied only after somebody other than its author approved that very text.",
    )
    refresh: str = key("0 3 * * *", "When all tags are computed (cron, in `zone`); empty: only by hand.")
    alert_webhook: str = key("", "A URL that is told of every failed run.")
    load_seconds: float = key(0.2, "How often received events are loaded into the engine.")
    realtime_seconds: float = key(
        1.0, "How often tags follow the events that were loaded; 0: only when they are computed."
    )
    segment_bytes: int = key(64_000_000, "A log segment is sealed at this size.")
    engine: str = key(
        "duckdb", "What computes tags: `duckdb` on this machine, or `spark` on a cluster (section `spark`)."
    )
    memory: str = key("", "The engine's memory limit, for example `4GB`; empty: most of the machine's.")
    threads: int = key(0, "The engine's threads; 0: one per core.")
    log_level: str = key("info", "`debug`, `info`, `warning` or `error`.")
    trusted_proxies: tuple[str, ...] = key((), "Proxies whose X-Forwarded-For is believed.")
    email: Email = field(default_factory=Email)
    mailbox: Mailbox = field(default_factory=Mailbox)
    wechat: Wechat = field(default_factory=Wechat)
    miniprogram: Miniprogram = field(default_factory=Miniprogram)
    sms: Sms = field(default_factory=Sms)
    push: Push = field(default_factory=Push)
    wecom: Wecom = field(default_factory=Wecom)
    apprise: Apprise = field(default_factory=Apprise)
    webhooks: Webhooks = field(default_factory=Webhooks)
    limits: Limits = field(default_factory=Limits)
    spark: Cluster = field(default_factory=Cluster)

    @property
    def tz(self) -> ZoneInfo:
        """The workspace's time zone: calendar windows and schedules follow it."""
        return ZoneInfo(self.zone)

    @classmethod
    def load(cls, folder: Path) -> Config:
        """The settings of the workspace at `folder`. Raises ConfigError naming the key that is wrong."""
        path = folder / FILE
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotFoundError(
                f"there is no {FILE} in {folder}", hint=f"create a workspace: limner init {folder}"
            ) from None
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(str(error), where=str(path)) from error
        config: Config = _read(cls, given, str(path), "")
        try:
            ZoneInfo(config.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(
                f"unknown time zone '{config.zone}'", where=f"{path}: zone", hint="for example Asia/Shanghai"
            ) from None
        if config.definitions not in ("files", "read-only"):
            raise ConfigError(
                f"'definitions' is files or read-only, not '{config.definitions}'", where=str(path)
            )
        if config.engine not in ("duckdb", "spark"):
            raise ConfigError(f"'engine' is duckdb or spark, not '{config.engine}'", where=str(path))
        if config.engine == "spark" and not (config.spark.master and config.spark.folder):
            raise ConfigError(
                "the engine spark needs 'spark.master' and 'spark.folder'",
                where=str(path),
                hint='[spark] master = "spark://HOST:7077", folder = "/mnt/shared/limner"',
            )
        if config.wecom.sidebar_role not in ("viewer", "operator"):
            raise ConfigError(
                f"'wecom.sidebar_role' is viewer or operator, not '{config.wecom.sidebar_role}'",
                where=str(path),
            )
        if config.approval_people < -1:
            raise ConfigError("'approval_people' is -1 (never), 0 (always) or more", where=str(path))
        return config


def _read(kind: type[Any], given: Mapping[str, Any], path: str, prefix: str) -> Any:
    known = {item.name: item for item in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"unknown setting '{prefix}{key}'", where=path, hint=did_you_mean(key, known))
        default = known[key].default
        if key in SECTIONS and kind is Config:
            if not isinstance(value, dict):
                raise ConfigError(f"'{key}' is a section: write [{key}]", where=path)
            values[key] = _read(SECTIONS[key], value, path, f"{key}.")
        elif isinstance(default, tuple):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise ConfigError(f"'{prefix}{key}' is a list of texts", where=path)
            values[key] = tuple(value)
        elif isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            values[key] = float(value)
        elif type(value) is not type(default):
            raise ConfigError(
                f"'{prefix}{key}' is {type(default).__name__}, not {type(value).__name__}", where=path
            )
        else:
            values[key] = value
    return kind(**values)


SECTIONS: Mapping[str, type[Any]] = {
    "email": Email,
    "mailbox": Mailbox,
    "wechat": Wechat,
    "miniprogram": Miniprogram,
    "sms": Sms,
    "push": Push,
    "wecom": Wecom,
    "apprise": Apprise,
    "webhooks": Webhooks,
    "limits": Limits,
    "spark": Cluster,
}
"""Every section of limner.toml, in the order in which people read it."""


def find(start: Path) -> Path:
    """The nearest folder upward from `start` that holds limner.toml. Raises NotFoundError."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise NotFoundError(
        f"no {FILE} in {here} or above",
        hint="create a workspace with: limner init DIR, or name one with --workspace DIR",
    )


def secret(variable: str) -> str:
    """The secret that an environment variable holds. Raises ConfigError when it is not set."""
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(f"the environment variable {variable} is not set", hint=f"export {variable}=…")
    return value


def variable(name: str) -> str:
    """What an environment variable says; empty when it is not set."""
    return os.environ.get(name, "")


def flag(variable: str) -> bool:
    """Whether an environment variable is set to something other than nothing or 0."""
    return os.environ.get(variable, "") not in ("", "0", "false")
