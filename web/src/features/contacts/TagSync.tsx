import { Button, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, FailureLine, Shown } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";

type Platform = Answer<"/api/v1/tag-sync">["platforms"][number];
type Mapped = Platform["tags"][number];
type Plan = Answer<"/api/v1/tag-sync/{platform}/plan", "post">;
type Change = Answer<"/api/v1/tag-sync/{platform}/changes">["changes"][number];

const CHOSEN = { platform: "wecom" };

/** What the server says of why, and the text that says it here. */
const WHYS = {
  "ours wins": "ours",
  "theirs wins": "theirs",
  "changed here": "here",
  "changed there": "there",
  "only here": "onlyHere",
  "only there": "onlyThere",
  "changed on both sides, newer here": "bothHere",
  "changed on both sides, newer there": "bothThere",
} as const;

function whyOf(why: string): (typeof WHYS)[keyof typeof WHYS] | null {
  return why in WHYS ? WHYS[why as keyof typeof WHYS] : null;
}

/** Our tags and a platform's: the mapping, the plan with its conflicts, and what was changed. */
export default function TagSync() {
  const { t } = useTranslation("contacts");
  const [{ platform }, choose] = useUrlState(CHOSEN);
  const found = useAnswer("/api/v1/tag-sync");
  const names = ["wecom", "official_account"] as const;
  return (
    <Page
      title={t("tagSync")}
      description={t("tagSyncNote")}
      actions={<Segmented value={platform} onChange={(value) => choose({ platform: value }, { push: true })} options={names.map((value) => ({ value, label: t(`platforms.${value}`) }))} />}
    >
      <Shown of={found} shape="cards" rows={2}>
        {(data) => {
          const one = data.platforms.find((row) => row.platform === platform);
          return one && one.there ? (
            <One key={platform} one={one} />
          ) : (
            <Empty icon="tags" title={t("noMapping")}>
              {t("noMappingNote", { platform })}
            </Empty>
          );
        }}
      </Shown>
    </Page>
  );
}

function One({ one }: { one: Platform }) {
  const { t } = useTranslation("contacts");
  const plan = useChange("post", "/api/v1/tag-sync/{platform}/plan", { invalidates: [] });
  const path = { path: { platform: one.platform } };
  return (
    <>
      <Card
        flush
        title={t(one.began ? "began" : "notBegan")}
        extra={
          <Button loading={plan.isPending} onClick={() => plan.mutate({ params: path, body: {} })}>
            {t("makePlan")}
          </Button>
        }
      >
        {one.problem && <p className={parts["bad"]}>{one.problem}</p>}
        <DataTable<Mapped>
          name={t("tagSync")}
          rows={one.tags}
          rowKey={(row) => row.key}
          columns={[
            { key: "key", title: t("tag"), value: (row) => row.key, render: (row) => <Link to={placeOf("tag", row.key) ?? "/tags"}>{row.key}</Link> },
            { key: "group", title: t("groupThere"), value: (row) => row.group || "–" },
            {
              key: "values",
              title: t("values"),
              value: (row) =>
                Object.entries(row.values)
                  .map(([ours, theirs]) => `${ours} → ${theirs}`)
                  .join(" · "),
              wide: true,
            },
            { key: "wins", title: t("wins"), value: (row) => t(`winner.${row.wins}`), filter: true },
          ]}
        />
      </Card>
      {plan.error && <FailureLine error={plan.error} />}
      {plan.data && <Planned plan={plan.data} />}
      <Changes platform={one.platform} />
    </>
  );
}

function Planned({ plan }: { plan: Plan }) {
  const { t } = useTranslation("contacts");
  const format = useFormat();
  const admin = useMay("admin");
  const [asking, setAsking] = useState(false);
  const run = useChange("post", "/api/v1/tag-sync/{platform}/run", { invalidates: [["tag-sync"]] });
  const words = t("planned", { added: format.exact(plan.added), removed: format.exact(plan.removed), people: format.exact(plan.in_people), pairs: format.exact(plan.pairs) });
  return (
    <>
      <Card
        flush
        title={t("plan")}
        note={words}
        extra={
          admin && (
            <Button type="primary" disabled={plan.too_many} onClick={() => setAsking(true)}>
              {t("run")}
            </Button>
          )
        }
      >
        {plan.too_many && <p className={parts["bad"]}>{t("tooMany", { after: format.exact(plan.tags_after), most: format.exact(plan.most_tags) })}</p>}
        {run.data && (
          <p role="status" className={parts["good"]}>
            {t("running")}
          </p>
        )}
        <DataTable<Plan["tags"][number]>
          name={t("plan")}
          prefix="p-"
          rows={plan.tags}
          rowKey={(row) => row.key}
          columns={[
            { key: "key", title: t("tag"), value: (row) => row.key },
            { key: "out", title: t("out"), value: (row) => row.out_added + row.out_removed, render: (row) => `+${format.exact(row.out_added)} −${format.exact(row.out_removed)}` },
            { key: "in", title: t("in"), value: (row) => row.in_people },
            { key: "conflicts", title: t("conflicts"), value: (row) => row.conflicts },
            { key: "clashes", title: t("clashes"), value: (row) => row.clashes, wide: true },
          ]}
        />
        {plan.new_tags.length > 0 && <p className={parts["faint"]}>{t("newTags", { names: plan.new_tags.map((tag) => (tag.group ? `${tag.group}/${tag.name}` : tag.name)).join("、") })}</p>}
      </Card>
      {plan.conflicts.length > 0 && (
        <Card flush title={t("conflicts")}>
          <DataTable<Plan["conflicts"][number]>
            name={t("conflicts")}
            prefix="c-"
            rows={plan.conflicts}
            rowKey={(row) => `${row.staff} ${row.customer} ${row.key}`}
            columns={[
              { key: "customer", title: t("customer"), value: (row) => row.customer },
              { key: "staff", title: t("member"), value: (row) => row.staff || "–", filter: true, wide: true },
              { key: "key", title: t("tag"), value: (row) => row.key, filter: true },
              { key: "ours", title: t("ours"), value: (row) => row.ours.join("、") },
              { key: "theirs", title: t("theirs"), value: (row) => row.theirs.join("、") },
              { key: "way", title: t("becomes"), value: (row) => t(`ways.${row.way}`), filter: true },
            ]}
          />
        </Card>
      )}
      <ConfirmCount
        open={asking}
        title={t("runAsk")}
        people={plan.in_people}
        ok={t("run")}
        onOk={async () => {
          await run.mutateAsync({ params: { path: { platform: plan.platform } }, body: {}, headers: once() });
          setAsking(false);
        }}
        onCancel={() => setAsking(false)}
      >
        <p>{words}</p>
      </ConfirmCount>
    </>
  );
}

function Changes({ platform }: { platform: Platform["platform"] }) {
  const { t } = useTranslation("contacts");
  const sayWhy = (why: string) => {
    const key = whyOf(why);
    return key ? t(`whys.${key}`) : why;
  };
  const found = useAnswer("/api/v1/tag-sync/{platform}/changes", { params: { path: { platform }, query: { limit: 200 } } });
  return (
    <Card flush title={t("changes")}>
      <DataTable<Change>
        name={t("changes")}
        prefix="w-"
        rows={found.data?.changes}
        rowKey={(row) => String(row.id)}
        problem={found.error}
        again={() => void found.refetch()}
        empty={<Empty small title={t("noChanges")} />}
        columns={[
          { key: "at", title: t("at"), value: (row) => row.at, render: (row) => <When at={row.at} /> },
          { key: "customer", title: t("customer"), value: (row) => row.customer },
          { key: "staff", title: t("member"), value: (row) => row.staff || "–", filter: true, wide: true },
          { key: "key", title: t("tag"), value: (row) => row.key, filter: true },
          { key: "way", title: t("side"), value: (row) => t(`sides.${row.way}`), filter: true },
          { key: "before", title: t("before"), value: (row) => row.before || "–", wide: true },
          { key: "after", title: t("after"), value: (row) => row.after || "–" },
          { key: "why", title: t("reason"), value: (row) => sayWhy(row.why), wide: true },
        ]}
      />
    </Card>
  );
}
