"""The verbs that every door uses, by name."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from limner.accounts.model import Caller
from limner.types import Json, Progress


@dataclass(frozen=True)
class Verb:
    """One verb: a function of an open workspace, progress and named arguments; the answer is JSON.

    `stands`: its module here and its name; the module is read when the verb is first asked for, so a command waits for
    what it needs alone.
    `audit`: what stands in the audit after it: "change", "export", "sight" (of personal values), or "" for nothing.
    `subject`: whom or what it concerned: names of arguments or of keys of the answer, the first that is there.
    `detail`: names of arguments or answer keys that stand in the audit; never personal values, never secrets.
    `quiet`: arguments with which it goes on where an audited call began, so it is not written down again.
    """

    stands: str
    audit: str = ""
    subject: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    @cached_property
    def function(self) -> Callable[..., Json]:
        """What it calls."""
        module, name = self.stands.split(".")
        function: Callable[..., Json] = getattr(importlib.import_module(f"limner.workspace.{module}"), name)
        return function

    @cached_property
    def types(self) -> Mapping[str, Any]:
        """The type of each argument of the function."""
        return typing.get_type_hints(self.function)

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The arguments that a caller may name."""
        from limner.workspace.workspace import Workspace

        ours = {name for name, kind in self.types.items() if kind in (Workspace, Progress, Caller)}
        given = inspect.signature(self.function).parameters
        return {name: parameter for name, parameter in given.items() if name not in ours}

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").splitlines()[0]


def _verb(stands: str, audit: str = "", subject: str = "", detail: str = "", quiet: str = "") -> Verb:
    return Verb(stands, audit, tuple(subject.split()), tuple(detail.split()), tuple(quiet.split()))


VERBS: dict[str, Verb] = {
    "source add": _verb("collecting.source_add", "change", "name", "kind"),
    "source list": _verb("arriving.source_list"),
    "source rotate": _verb("collecting.source_rotate", "change", "name"),
    "key add": _verb("accounting.key_add", "change", "id", "role scopes note"),
    "key list": _verb("accounting.key_list"),
    "key remove": _verb("accounting.key_remove", "change", "id"),
    "user add": _verb("accounting.user_add", "change", "id", "role"),
    "user list": _verb("accounting.user_list"),
    "user change": _verb("accounting.user_change", "change", "id", "role"),
    "user disable": _verb("accounting.user_disable", "change", "id"),
    "user enable": _verb("accounting.user_enable", "change", "id"),
    "user reset": _verb("accounting.user_reset", "change", "id"),
    "user remove": _verb("accounting.user_remove", "change", "id"),
    "session list": _verb("accounting.session_list"),
    "session end": _verb("accounting.session_end", "change", "id"),
    "session change": _verb("accounting.session_change", "change", "id"),
    "password change": _verb("accounting.password_change", "change", "id", "ended"),
    "audit list": _verb("accounting.audit_list"),
    "audit verify": _verb("accounting.audit_verify"),
    "counters": _verb("collecting.counters"),
    "import": _verb("importing.import_file", "change", "file", "source received stored digest"),
    "import upload": _verb("importing.import_upload", "change", "file", "source received stored digest"),
    "import guess": _verb("importing.import_guess", "sight", "upload"),
    "import check": _verb("importing.import_check"),
    "import list": _verb("importing.import_list"),
    "import show": _verb("importing.import_show"),
    "import lines": _verb("importing.import_lines", "export", "id", "lines"),
    "upload add": _verb("importing.upload_add", "change", "name", "bytes"),
    "source check": _verb("arriving.source_check"),
    "source enable": _verb("arriving.source_enable", "change", "name"),
    "source disable": _verb("arriving.source_disable", "change", "name"),
    "quarantine replay": _verb(
        "arriving.quarantine_replay", "change", "", "code source tried stored duplicate stayed"
    ),
    "identity show": _verb("arriving.identity_show"),
    "schedule list": _verb("arriving.schedule_list"),
    "alert list": _verb("arriving.alert_list"),
    "search": _verb("searching.search"),
    "start show": _verb("starting.start_show"),
    "start goal": _verb("starting.start_goal", "change", "goal"),
    "start tags": _verb("starting.start_tags"),
    "start save": _verb("starting.start_save", "change", "goal", "saved run"),
    "start audience": _verb("starting.start_audience", "change", "name", "expression"),
    "start demo": _verb("starting.start_demo", "change", "", "stored people"),
    "event summary": _verb("collecting.event_summary"),
    "event list": _verb("arriving.event_list", "sight", "", "event source", quiet="cursor after"),
    "event names": _verb("arriving.event_names"),
    "event quarantine": _verb("arriving.event_quarantine", "sight", "", "code source", quiet="cursor"),
    "expression check": _verb("knowing.expression_check"),
    "expression print": _verb("knowing.expression_print"),
    "expression names": _verb("knowing.expression_names"),
    "check": _verb("knowing.check"),
    "tag run": _verb("knowing.tag_run", "change", "", "keys as_of run changes"),
    "tag compare": _verb("comparing.tag_compare"),
    "tag plan": _verb("applying.tag_plan"),
    "tag apply": _verb("applying.tag_apply", "change", "", "keys plan tags removed"),
    "tag cut": _verb("cutting.tag_cut", "change", "key", "frozen etag"),
    "tag learn": _verb("learning.tag_learn", "change", "key", "auc etag"),
    "tag test": _verb("proving.tag_test"),
    "mapping list": _verb("translating.mapping_list"),
    "mapping check": _verb("translating.mapping_check"),
    "category list": _verb("sorting.category_list"),
    "category move": _verb("sorting.category_move", "change", "source", "to tags move"),
    "category undo": _verb("sorting.category_undo", "change", "move", "tags"),
    "tag submit": _verb("publishing.tag_submit", "change", "tag", "id"),
    "tag decide": _verb("publishing.tag_decide", "change", "tag", "id state reason"),
    "tag reviews": _verb("publishing.tag_reviews"),
    "tag versions": _verb("publishing.tag_versions"),
    "tag rollback": _verb("publishing.tag_rollback", "change", "key", "version etag"),
    "tag lint": _verb("healing.tag_lint"),
    "industry list": _verb("industries.industry_list"),
    "industry show": _verb("industries.industry_show"),
    "industry install": _verb("industries.industry_install", "change", "name", "only dry_run saved"),
    "industry undo": _verb("industries.industry_undo", "change", "name", "removed"),
    "tag list": _verb("tagging.tag_list"),
    "tag show": _verb("tagging.tag_show"),
    "tag history": _verb("tagging.tag_history"),
    "tag runs": _verb("tagging.tag_runs"),
    "tag members": _verb("memberships.tag_members", "sight", "key", "on count", quiet="cursor"),
    "tag lineage": _verb("lineage.tag_lineage"),
    "tag form": _verb("tagging.tag_form"),
    "tag text": _verb("tagging.tag_text_with"),
    "tag preview": _verb("tagging.tag_preview"),
    "tag whatif": _verb("trying_out.tag_whatif"),
    "tag report": _verb("reporting.tag_report"),
    "tag predict": _verb("foretelling.tag_predict"),
    "tag coverage": _verb("covering.tag_coverage"),
    "tag counts": _verb("covering.tag_counts"),
    "tag transitions": _verb("moving.tag_transitions"),
    "metric list": _verb("measuring.metric_list"),
    "metric show": _verb("measuring.metric_show"),
    "object list": _verb("stocking.object_list"),
    "object show": _verb("stocking.object_show"),
    "object load": _verb("stocking.object_load", "change", "kind", "objects added removed digest"),
    "group list": _verb("grouping.group_list"),
    "group check": _verb("grouping.group_check"),
    "tag siblings": _verb("grouping.tag_siblings"),
    "group conflicts": _verb("grouping.group_conflicts", "sight", "key", "total", quiet="cursor"),
    "audience count": _verb("gathering.audience_count"),
    "audience list": _verb("gathering.audience_list"),
    "audience save": _verb("gathering.audience_save", "change", "name", "expression"),
    "audience snapshot": _verb("gathering.audience_snapshot", "change", "name", "people entered left"),
    "audience show": _verb("gathering.audience_show"),
    "audience history": _verb("memberships.audience_history"),
    "audience members": _verb("memberships.audience_members", "sight", "name", "on count", quiet="cursor"),
    "audience text": _verb("gathering.audience_text"),
    "audience portrait": _verb("crowds.audience_portrait"),
    "audience why": _verb("reasoning.audience_why", "sight", "person", "audience"),
    "audience overlap": _verb("crowds.audience_overlap"),
    "audience export": _verb("exporting.audience_export", "export", "name", "people masked reason export"),
    "export list": _verb("exporting.export_list"),
    "export file": _verb("exporting.export_file", "export", "name", "id people"),
    "view list": _verb("viewing.view_list"),
    "view save": _verb("viewing.view_save"),
    "view remove": _verb("viewing.view_remove"),
    "person list": _verb("finding.person_list", "sight", "", "total"),
    "person show": _verb("finding.person_show", "sight", "person"),
    "person diff": _verb("differing.person_diff", "sight", "person"),
    "person memberships": _verb("memberships.person_memberships", "sight", "person"),
    "person timeline": _verb("telling.person_timeline", "sight", "person"),
    "person messages": _verb("telling.person_messages", "sight", "person"),
    "person when": _verb("choosing.person_when", "sight", "person"),
    "person why": _verb("reasoning.person_why", "sight", "person", "key"),
    "template list": _verb("content.template_list"),
    "template preview": _verb("previewing.template_preview"),
    "content list": _verb("shelving.content_list"),
    "content show": _verb("shelving.content_show"),
    "content form": _verb("shelving.content_form"),
    "content text": _verb("shelving.content_words"),
    "content pick": _verb("shelving.content_pick", "sight", "person"),
    "content reach": _verb("shelving.content_reach"),
    "content evaluate": _verb("shelving.content_evaluate"),
    "template send": _verb("trials.template_send", "change", "name", "channel outcome"),
    "campaign list": _verb("planning.campaign_list"),
    "campaign show": _verb("planning.campaign_show"),
    "campaign form": _verb("planning.campaign_form"),
    "campaign text": _verb("planning.campaign_text_of"),
    "campaign power": _verb("planning.campaign_power"),
    "campaign preview": _verb("previewing.campaign_preview"),
    "campaign check": _verb("planning.campaign_check"),
    "campaign clone": _verb("planning.campaign_clone", "change", "to", "from"),
    "campaign people": _verb("outcomes.campaign_people", "sight", "name"),
    "campaign when": _verb("choosing.campaign_when"),
    "journey when": _verb("choosing.journey_when"),
    "message when": _verb("choosing.message_when"),
    "campaign ready": _verb("reaching.campaign_ready"),
    "campaign send": _verb("reaching.campaign_send", "change", "name", "entry dry_run sent approval"),
    "campaign stop": _verb("reaching.campaign_stop", "change", "name", "entry stopped"),
    "campaign resume": _verb("reaching.campaign_resume", "change", "name", "entry sent"),
    "campaign test": _verb("reaching.campaign_test", "change", "name"),
    "campaign report": _verb("reaching.campaign_report"),
    "campaign breakdown": _verb("dividing.campaign_breakdown"),
    "campaign suppressions": _verb("policing.campaign_suppressions"),
    "suppression list": _verb("suppressing.suppression_list", "sight", "", "total", quiet="cursor"),
    "suppression add": _verb("suppressing.suppression_add", "change", "hash", "channel reason why"),
    "suppression remove": _verb("suppressing.suppression_remove", "change", "hash", "channel reason why"),
    "inbox list": _verb("hearing.inbox_list", "sight", "", "", quiet="cursor"),
    "inbox handle": _verb("hearing.inbox_handle", "change", "id", "handled"),
    "contact sync": _verb("relating.contact_sync", "change", "", "staff customers chats"),
    "contact settle": _verb("confirming.contact_settle", "change", "", "messages customers"),
    "staff list": _verb("relating.staff_list"),
    "staff customers": _verb("relating.staff_customers", "sight", "staff", "total", quiet="cursor"),
    "staff tasks": _verb("relating.staff_tasks", "sight", "staff"),
    "staff done": _verb("relating.staff_done", "change", "id"),
    "staff hand over": _verb(
        "relating.staff_hand_over", "change", "giver", "taker customers waiting refused dry_run"
    ),
    "sidebar show": _verb("sidebar.sidebar_show", "sight", "person", "staff"),
    "sidebar tasks": _verb("sidebar.sidebar_tasks"),
    "sidebar tag": _verb("sidebar.sidebar_tag", "change", "tag", "staff changes"),
    "sidebar done": _verb("sidebar.sidebar_done", "change", "id", "staff"),
    "code list": _verb("coding.code_list"),
    "code save": _verb("coding.code_save", "change", "name", "kind scene"),
    "code apply": _verb("coding.code_apply", "change", "", "only dry_run made changed removed"),
    "code picture": _verb("coding.code_save_picture"),
    "menu show": _verb("coding.menu_show"),
    "menu apply": _verb("coding.menu_apply", "change", "", "entries"),
    "sync list": _verb("syncing.sync_list"),
    "sync plan": _verb("syncing.sync_plan"),
    "sync run": _verb("syncing.sync_run", "change", "platform", "added removed in_people"),
    "sync changes": _verb("syncing.sync_changes", "sight", "platform", quiet="cursor"),
    "hold list": _verb("holding.hold_list"),
    "hold release": _verb("holding.hold_release", "change", "name", "kind entry reason why"),
    "scene list": _verb("scening.scene_list"),
    "scene show": _verb("scening.scene_show"),
    "scene form": _verb("scening.scene_form"),
    "scene text": _verb("scening.scene_text_of"),
    "scene report": _verb("scening.scene_report"),
    "calendar": _verb("calendaring.calendar"),
    "journey list": _verb("journeying.journey_list"),
    "journey show": _verb("journeying.journey_show"),
    "journey people": _verb("journeying.journey_people", "sight", "name", "step"),
    "journey check": _verb("journeying.journey_check"),
    "journey form": _verb("drafting.journey_form"),
    "journey text": _verb("drafting.journey_text_of"),
    "journey try": _verb("journeying.journey_try", "sight", "name"),
    "journey report": _verb("journeying.journey_report"),
    "journey breakdown": _verb("parting.journey_breakdown"),
    "journey start": _verb("rerouting.journey_start", "change", "name", "status plan version"),
    "journey plan": _verb("rerouting.journey_plan"),
    "journey power": _verb("expecting.journey_power"),
    "journey movement": _verb("expecting.journey_movement"),
    "journey versions": _verb("rerouting.journey_versions"),
    "journey pause": _verb("journeying.journey_pause", "change", "name", "status"),
    "journey stop": _verb("journeying.journey_stop", "change", "name", "status"),
    "ready list": _verb("readying.ready_list"),
    "ready show": _verb("readying.ready_show"),
    "ready preview": _verb("readying.ready_preview"),
    "ready install": _verb("readying.ready_install", "change", "name", "key language dry_run"),
    "journey tasks": _verb("journeying.journey_tasks", "sight"),
    "journey done": _verb("journeying.journey_done", "change", "id"),
    "webhook list": _verb("posting.webhook_list"),
    "webhook posts": _verb("posting.webhook_posts"),
    "webhook replay": _verb("posting.webhook_replay", "change", "name"),
    "person journeys": _verb("journeying.person_journeys", "sight", "person"),
    "approval ask": _verb("planning.approval_ask", "change", "campaign", "id entry people limit"),
    "approval list": _verb("planning.approval_list"),
    "approval decide": _verb(
        "planning.approval_decide", "change", "campaign", "id entry people state reason"
    ),
    "channel list": _verb("content.channel_list"),
    "channel test": _verb("content.channel_test"),
    "channel check": _verb("checking.channel_check"),
    "channel dns": _verb("content.channel_dns"),
    "mail list": _verb("returning.mail_list", "sight", "", "counts"),
    "mail show": _verb("returning.mail_show", "sight", "id"),
    "mail read": _verb("returning.mail_read", "change", "", "read kinds"),
    "mail take": _verb("returning.mail_take", "change", ""),
    "effect list": _verb("outcomes.effect_list"),
    "effect overall": _verb("outcomes.effect_overall"),
    "permission add": _verb("reaching.permission_add", "change", "", "received stored"),
    "permission import": _verb("reaching.permission_import", "change", "", "received stored"),
    "consent import": _verb("reaching.consent_import", "change", "", "received stored"),
    "form list": _verb("asking.form_list"),
    "form show": _verb("asking.form_show"),
    "form check": _verb("asking.form_check"),
    "form preview": _verb("asking.form_preview"),
    "referral list": _verb("referring.referral_list"),
    "referral show": _verb("referring.referral_show"),
    "referral check": _verb("referring.referral_check"),
    "referral code": _verb("referring.referral_code", "change", "person", "name"),
    "referral run": _verb("referring.referral_run", "change", "", "written"),
    "overview": _verb("overlooking.overview"),
    "settings show": _verb("overlooking.settings_show"),
    "tag give preview": _verb("giving.tag_give_preview"),
    "tag give": _verb("giving.tag_give", "change", "key", "batch changes"),
    "tag correct": _verb("giving.tag_correct", "change", "key", "batch changes"),
    "tag take preview": _verb("giving.tag_take_preview"),
    "tag take": _verb("giving.tag_take", "change", "key", "batch changes"),
    "tag import preview": _verb("giving.tag_import_preview"),
    "tag import": _verb("giving.tag_import", "change", "key", "batch changes rejected_total"),
    "tag batches": _verb("giving.tag_batches"),
    "tag undo preview": _verb("giving.tag_undo_preview"),
    "tag undo": _verb("giving.tag_undo", "change", "tag", "undoes batch changes"),
    "tag conflicts": _verb("giving.tag_conflicts"),
    "conflict list": _verb("giving.conflict_list"),
    "tag accuracy": _verb("judging.tag_accuracy"),
    "run list": _verb("keeping.run_list"),
    "job list": _verb("keeping.job_list"),
    "job show": _verb("keeping.job_show"),
    "job cancel": _verb("keeping.job_cancel", "change", "id"),
    "definition show": _verb("writing.definition_show"),
    "definition check": _verb("writing.definition_check"),
    "definition save": _verb("writing.definition_save", "change", "name", "kind etag"),
    "definition delete": _verb("writing.definition_delete", "change", "name", "kind"),
    "definition history": _verb("writing.definition_history"),
    "definition undo": _verb("writing.definition_undo", "change", "name", "kind"),
    "person erase": _verb("keeping.person_erase", "change", "person", "rows"),
    "person export": _verb("keeping.person_export", "export", "person", "events"),
    "backup": _verb("keeping.backup", "export", ""),
    "rebuild": _verb("keeping.rebuild", "change", ""),
}
"""Every verb by its name."""
