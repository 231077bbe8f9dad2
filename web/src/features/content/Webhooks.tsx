import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { Copy } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { Empty } from "../../components/States";
import { type Answer, once, useAnswer, useChange, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";

type Hook = Answer<"/api/v1/webhooks">["webhooks"][number];
type Post = Answer<"/api/v1/webhooks/posts">["posts"][number];

const STATUSES = ["waiting", "sent", "failed"] as const;
const SHOWN = { of: "", status: "" };
const EXAMPLE = "url: https://crm.example/limner\naudiences: [vip]\ntags: [value_tier]\n";

/** Other systems that are told of changes: to where, of what, and how each post went. */
export default function Webhooks() {
  const { t } = useTranslation("content");
  const may = useMay("operator");
  const toast = useUndoToast();
  const [shown, setShown] = useUrlState(SHOWN);
  const [asking, setAsking] = useState<Hook | null>(null);
  const found = useAnswer("/api/v1/webhooks", {}, { refetchInterval: 15_000 });
  const again = useChange("post", "/api/v1/webhooks/replay", { invalidates: [["webhooks"]] });
  return (
    <Page title={t("hooks.title")} description={t("hooks.note")} actions={<Link to="/content/channels/webhooks">{t("setup.open")}</Link>}>
      {found.data?.problems.map((problem) => (
        <p key={`${problem.where ?? ""} ${problem.message}`} className={parts["notice"]} data-tone="warn">
          {problem.where}: <Said of={problem} />
        </p>
      ))}
      <Card flush title={t("hooks.receivers")}>
        <DataTable<Hook>
          name={t("hooks.receivers")}
          prefix="hook-"
          rows={found.data?.webhooks}
          rowKey={(row) => row.name}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty small icon="link" title={t("hooks.none")} action={<Copy title="webhooks/crm.yml" text={EXAMPLE} />}>
              {t("hooks.noneNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("hooks.name"), value: (row) => row.name, render: (row) => <Button type="link" size="small" style={{ padding: 0 }} onClick={() => setShown({ of: row.name })}>{row.name}</Button> },
            { key: "url", title: t("hooks.url"), value: (row) => row.url, wide: true, render: (row) => (row.url ? <code style={{ overflowWrap: "anywhere" }}>{row.url}</code> : t("hooks.step")) },
            { key: "of", title: t("hooks.of"), value: (row) => row.of.join(", "), wide: true, render: (row) => (row.of.length ? <Subjects of={row.of} /> : "–") },
            { key: "waiting", title: t("hooks.status.waiting"), value: (row) => row.waiting },
            { key: "sent", title: t("hooks.status.sent"), value: (row) => row.sent },
            { key: "failed", title: t("hooks.status.failed"), value: (row) => row.failed, render: (row) => <span className={row.failed ? parts["bad"] : undefined}>{row.failed}</span> },
            { key: "reason", title: t("hooks.reason"), value: (row) => row.reason, wide: true },
            ...(may
              ? [
                  {
                    key: "again",
                    title: t("hooks.again"),
                    value: () => "",
                    sort: false,
                    quiet: true,
                    render: (row: Hook) => (
                      <Button size="small" disabled={row.failed === 0} onClick={() => setAsking(row)}>
                        {t("hooks.again")}
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      </Card>
      <Posts shown={shown} setShown={setShown} names={found.data?.webhooks.map((row) => row.name) ?? []} />
      {asking && (
        <ConfirmCount
          open
          title={t("hooks.againTitle", { name: asking.name })}
          people={null}
          ok={t("hooks.again")}
          onOk={async () => {
            const done = await again.mutateAsync({ body: { name: asking.name }, headers: once() });
            setAsking(null);
            toast(t("hooks.againDone", { count: done.again }));
          }}
          onCancel={() => setAsking(null)}
        >
          <p>{t("hooks.againNote", { count: asking.failed })}</p>
        </ConfirmCount>
      )}
    </Page>
  );
}

function Subjects({ of }: { of: readonly string[] }) {
  return (
    <span className={parts["row"]}>
      {of.map((subject) => {
        const [kind = "", ...rest] = subject.split(":");
        const name = rest.join(":");
        const to = placeOf(kind, name);
        return to && name ? (
          <Link key={subject} to={to}>
            {name}
          </Link>
        ) : (
          <span key={subject}>{subject}</span>
        );
      })}
    </span>
  );
}

/** The latest posts, of one receiver or all. */
function Posts({ shown, setShown, names }: { shown: { of: string; status: string }; setShown: (next: { of?: string; status?: string }) => void; names: readonly string[] }) {
  const { t } = useTranslation("content");
  const status = STATUSES.find((one) => one === shown.status) ?? "";
  const found = useRows("/api/v1/webhooks/posts", (page): readonly Post[] => page.posts, { params: { query: { name: shown.of, status } } }, { refetchInterval: 15_000 });
  return (
    <Card flush title={t("hooks.posts")}>
      <DataTable<Post>
        name={t("hooks.posts")}
        prefix="post-"
        rows={found.rows}
        rowKey={(row) => row.id}
        problem={found.problem}
        again={found.again}
        more={found.more}
        loadingMore={found.loadingMore}
        actions={
          <>
            <Select aria-label={t("hooks.name")} style={{ minWidth: 160 }} value={shown.of} onChange={(of: string) => setShown({ of })} options={[{ value: "", label: t("hooks.all") }, ...names.map((value) => ({ value, label: value }))]} />
            <Select aria-label={t("hooks.state")} style={{ minWidth: 120 }} value={status} onChange={(next: string) => setShown({ status: next })} options={[{ value: "", label: t("hooks.any") }, ...STATUSES.map((value) => ({ value, label: t(`hooks.status.${value}`) }))]} />
          </>
        }
        {...(shown.of || status ? {} : { empty: <Empty small icon="send" title={t("hooks.noPosts")}>{t("hooks.noPostsNote")}</Empty> })}
        columns={[
          { key: "at", title: t("hooks.at"), value: (row) => row.at, render: (row) => <When at={row.at} as="moment" /> },
          { key: "name", title: t("hooks.name"), value: (row) => row.name },
          { key: "of", title: t("hooks.of"), value: (row) => row.of, wide: true, render: (row) => (row.of === "reward" ? t("hooks.reward") : <Subjects of={[row.of]} />) },
          { key: "status", title: t("hooks.state"), value: (row) => t(`hooks.status.${row.status}`), render: (row) => <span className={parts["status"]} data-status={row.status === "sent" ? "good" : row.status === "failed" ? "bad" : "warn"}>{t(`hooks.status.${row.status}`)}</span> },
          { key: "tries", title: t("hooks.tries"), value: (row) => row.tries, wide: true },
          { key: "reason", title: t("hooks.reason"), value: (row) => row.reason, wide: true },
          { key: "due", title: t("hooks.due"), value: (row) => row.due_at ?? "", wide: true, render: (row) => (row.due_at ? <When at={row.due_at} as="moment" /> : "–") },
        ]}
      />
    </Card>
  );
}
