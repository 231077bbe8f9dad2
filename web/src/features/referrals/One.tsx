import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Card, Facts, Grid, Page } from "../../components/Page";
import { Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { peopleWhere, placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";

type Referral = Answer<"/api/v1/referrals/{name}">;

/** One referral: K by week, what does not count and why, how deep it goes, and who brought most. */
export default function One() {
  const { name = "" } = useParams();
  const { t } = useTranslation("referrals");
  const { language } = usePreferences();
  const found = useAnswer("/api/v1/referrals/{name}", { params: { path: { name } } }, { refetchInterval: 60_000 });
  return (
    <Page title={titleIn(found.data?.titles ?? {}, language, name)} above={[{ to: "/marketing/referrals", title: t("title") }]}>
      <Shown of={found} shape="page">
        {(data) => <All of={data} />}
      </Shown>
    </Page>
  );
}

function All({ of }: { of: Referral }) {
  const { t } = useTranslation("referrals");
  const format = useFormat();
  const two = (value: number) => value.toFixed(2);
  const k = (row: { k: number | null; low: number | null; high: number | null }) =>
    row.k === null || row.low === null || row.high === null ? t("notEnough") : `${two(row.k)} (${t("between", { low: two(row.low), high: two(row.high) })})`;
  const reasons = t("reasons", { returnObjects: true }) as Record<string, string>;
  const refused = Object.entries(of.refused);
  return (
    <>
      <Grid least={320}>
        <Card title={t("k")} note={t("kNote")}>
          <Facts
            facts={[
              [t("all"), k(of.k)],
              [t("members"), format.exact(of.k.members)],
              [t("each"), of.k.invitations_each === null ? "–" : two(of.k.invitations_each)],
              [t("conversion"), of.k.conversion === null ? "–" : format.percent(of.k.conversion)],
            ]}
          />
        </Card>
        <Card title={t("rewarded")} extra={<Link to={peopleWhere(of.where)}>{t("see")}</Link>}>
          <Facts facts={(["new", "referrer", "upline"] as const).map((role) => [t(`roles.${role}`), format.exact(of.rewarded[role] ?? 0)])} />
        </Card>
        <Card title={t("definition")}>
          <Facts
            facts={[
              [t("who"), of.audience || t("everybody")],
              [t("columns.succeeded"), t("success", { event: of.success.event, days: format.exact(of.success.days) })],
              [t("same"), of.same.join(", ") || "–"],
              [t("leads"), of.to],
              [t("file"), `referrals/${of.name}.yml`],
            ]}
          />
        </Card>
      </Grid>
      <Card title={t("k")} flush>
        <DataTable
          name={t("k")}
          rows={[...of.weeks].reverse()}
          rowKey={(row) => row.week}
          columns={[
            { key: "week", title: t("week"), value: (row) => (row.open ? `${row.week} · ${t("open")}` : row.week) },
            { key: "members", title: t("members"), align: "right", value: (row) => row.members, wide: true },
            { key: "invited", title: t("invited"), align: "right", value: (row) => row.invited },
            { key: "converted", title: t("converted"), align: "right", value: (row) => row.converted },
            { key: "k", title: "K", align: "right", value: (row) => k(row) },
          ]}
        />
      </Card>
      <Grid least={320}>
        <Card title={t("refused")} {...(refused.length ? { flush: true } : {})}>
          {refused.length === 0 ? (
            t("refusedNone")
          ) : (
            <DataTable
              name={t("refused")}
              rows={refused.map(([why, n]) => ({ why, n }))}
              rowKey={(row) => row.why}
              columns={[
                { key: "why", title: t("reason"), value: (row) => reasons[row.why] ?? row.why },
                { key: "n", title: t("claims"), align: "right", value: (row) => row.n },
              ]}
            />
          )}
        </Card>
        <Card title={t("depths")} {...(of.depths.length ? { flush: true } : {})}>
          {of.depths.length === 0 ? (
            t("nobody")
          ) : (
            <DataTable
              name={t("depths")}
              rows={of.depths}
              rowKey={(row) => String(row.depth)}
              columns={[
                { key: "depth", title: t("depth"), value: (row) => row.depth },
                { key: "people", title: t("people"), align: "right", value: (row) => row.people },
              ]}
            />
          )}
        </Card>
      </Grid>
      <Card title={t("top")} {...(of.top.length ? { flush: true } : {})}>
        {of.top.length === 0 ? (
          t("nobody")
        ) : (
          <DataTable
            name={t("top")}
            rows={of.top}
            rowKey={(row) => row.person}
            to={(row) => placeOf("person", row.person) ?? "/people"}
            columns={[
              { key: "called", title: t("person"), value: (row) => row.called ?? row.person.slice(0, 8) },
              { key: "brought", title: t("brought"), align: "right", value: (row) => row.brought },
              { key: "succeeded", title: t("converted"), align: "right", value: (row) => row.succeeded },
            ]}
          />
        )}
      </Card>
    </>
  );
}
