"""What a sender's domain says of itself: SPF, DKIM and DMARC records, asked of a resolver that is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from limner.channels.dkim import Signer
from limner.errors import ChannelError

Resolve = Callable[[str], list[str]]
"""The texts of a name's TXT records, [] when there are none. Raises ChannelError when nobody answers."""
SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """One record: `state` ok, missing, wrong or unknown; `publish`: what should stand there."""

    what: str
    name: str
    state: str
    message: str
    found: str = ""
    publish: str = ""


def texts(name: str) -> list[str]:
    """The texts of the name's TXT records, as the machine's resolver answers. Raises ChannelError."""
    import dns.exception
    import dns.resolver  # here: no other command should wait for it

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise ChannelError(f"the names of {name} cannot be asked: {type(error).__name__}") from error
    return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]


def checks(*, sender: str, returns_to: str, signer: Signer | None, resolve: Resolve) -> list[Check]:
    """What stands under the names of a sender's domain, and what should. `returns_to`: the domain of the envelope."""
    return [
        _asked("SPF", returns_to, resolve, lambda found: _spf(returns_to, found)),
        _signed(sender, signer, resolve),
        _asked("DMARC", f"_dmarc.{sender}", resolve, lambda found: _dmarc(sender, found)),
    ]


def _asked(what: str, name: str, resolve: Resolve, judge: Callable[[list[str]], Check]) -> Check:
    try:
        return judge(resolve(name))
    except ChannelError as error:
        return Check(what, name, "unknown", error.message)


def _spf(domain: str, found: list[str]) -> Check:
    rows = [row for row in found if re.match(r"v=spf1(\s|$)", row, re.IGNORECASE)]
    if not rows:
        return Check(
            "SPF", domain, "missing", "no record says who may send", publish="v=spf1 include:RELAY ~all"
        )
    if len(rows) > 1:
        return Check("SPF", domain, "wrong", "there are several records, so none counts", " | ".join(rows))
    if re.search(r"(?:^|\s)\+?all(\s|$)", rows[0], re.IGNORECASE):
        return Check("SPF", domain, "wrong", "it lets everybody send", rows[0])
    return Check("SPF", domain, "ok", "whether it names your relay, the relay's own pages say", rows[0])


def _signed(sender: str, signer: Signer | None, resolve: Resolve) -> Check:
    if signer is None:
        return Check("DKIM", "", "missing", "mails are not signed here: email.dkim_selector is not set")
    published = {"publish": signer.record}
    if signer.domain != sender and not sender.endswith(f".{signer.domain}"):
        message = f"{signer.domain} signs for {sender}: receivers want the sender's own domain"
        return Check("DKIM", signer.record_name, "wrong", message, **published)

    def judge(found: list[str]) -> Check:
        if not found:
            return Check(
                "DKIM", signer.record_name, "missing", "the public key is not published", **published
            )
        if any(_key(row) == _key(signer.record) for row in found):
            return Check(
                "DKIM", signer.record_name, "ok", "the public key is published", found[0], **published
            )
        return Check("DKIM", signer.record_name, "wrong", "another key is published", found[0], **published)

    return _asked("DKIM", signer.record_name, resolve, judge)


def _key(record: str) -> str:
    found = re.search(r"(?:^|;)\s*p=([^;]*)", record)
    return re.sub(r"\s", "", found[1]) if found else ""


def _dmarc(sender: str, found: list[str]) -> Check:
    name = f"_dmarc.{sender}"
    rows = [row for row in found if row.lower().startswith("v=dmarc1")]
    if not rows:
        return Check(
            "DMARC",
            name,
            "missing",
            "no record says what to do with forged mails",
            publish="v=DMARC1; p=none",
        )
    if len(rows) > 1:
        return Check("DMARC", name, "wrong", "there are several records, so none counts", " | ".join(rows))
    policy = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", rows[0], re.IGNORECASE)
    if policy is None:
        return Check("DMARC", name, "wrong", "it names no policy", rows[0], "v=DMARC1; p=none")
    return Check("DMARC", name, "ok", f"the policy is {policy[1].lower()}", rows[0])
