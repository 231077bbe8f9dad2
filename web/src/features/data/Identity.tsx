import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { AsOf } from "../../components/Numbers";
import { Card, Figure, Grid } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { Frame } from "./Frame";

type Shape = Answer<"/api/v1/identity">;

/** Who is who, in numbers. */
export default function Identity() {
  const { t } = useTranslation("data");
  const found = useAnswer("/api/v1/identity");
  return (
    <Frame title={t("identity.title")} note={t("identity.note")}>
      <Shown of={found} shape="cards">
        {(identity) =>
          identity.people === 0 && identity.identifiers.length === 0 ? (
            <Empty icon="people" title={t("identity.none")}>
              {t("identity.noneNote")}
            </Empty>
          ) : (
            <Numbers identity={identity} />
          )
        }
      </Shown>
    </Frame>
  );
}

function Numbers({ identity }: { identity: Shape }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const names: Record<string, string> = t("identity.kindNames", { returnObjects: true });
  return (
    <>
      <Card extra={<AsOf at={identity.at} />} title={t("identity.people")}>
        <div className={css["figures"]}>
          <Figure label={t("identity.people")} value={<Link to="/people">{format.exact(identity.people)}</Link>} />
          <Figure label={t("identity.named")} value={format.exact(identity.named)} />
          <Figure label={t("identity.merged")} value={format.exact(identity.merged)} note={t("identity.mergedNote")} />
          <Figure label={t("identity.shared")} value={format.exact(identity.shared_devices)} note={t("identity.sharedNote")} />
        </div>
      </Card>
      <Grid least={400}>
        <Card flush title={t("identity.kinds")}>
          <DataTable
            plain
            prefix="kinds-"
            name={t("identity.kinds")}
            rows={identity.identifiers}
            rowKey={(row) => row.kind}
            columns={[
              { key: "kind", title: t("identity.kind"), value: (row) => names[row.kind] ?? row.kind },
              { key: "n", title: t("identity.identifiers"), value: (row) => row.n },
              { key: "people", title: t("identity.ofPeople"), value: (row) => row.people },
            ]}
          />
        </Card>
        <Card flush title={t("identity.blocked")} note={t("identity.blockedNote")}>
          <DataTable
            plain
            prefix="blocked-"
            name={t("identity.blocked")}
            rows={identity.blocked}
            rowKey={(row) => row.value}
            empty={<Empty small title={t("identity.blockedNone")} />}
            columns={[
              { key: "value", title: t("identity.value"), value: (row) => row.value, render: (row) => <code>{row.value}</code> },
              { key: "n", title: t("identity.times"), value: (row) => row.n },
            ]}
          />
        </Card>
      </Grid>
      <Card title={t("identity.links")} note={t("identity.linksNote")}>
        {identity.links.length > 0 ? <Links links={identity.links} /> : <Empty small title={t("identity.noLinks")} />}
      </Card>
    </>
  );
}

function Links({ links }: { links: Shape["links"] }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const kinds = ["login", "key", "alias"] as const;
  const option = useMemo(
    () => ({
      xAxis: { type: "category" as const, data: links.map((link) => link.day.slice(5)) },
      yAxis: { type: "value" as const },
      tooltip: { trigger: "axis" as const, valueFormatter: (value: unknown) => format.exact(Number(value)) },
      series: kinds.map((kind) => ({ type: "bar" as const, stack: "links", name: t(`identity.${kind}`), data: links.map((link) => link[kind]) })),
    }),
    // kinds is a constant of this function
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [links, format, t],
  );
  return (
    <Chart
      label={t("identity.links")}
      option={option}
      height={220}
      table={{ heads: [t("identity.day"), ...kinds.map((kind) => t(`identity.${kind}`))], rows: links.map((link) => [link.day, ...kinds.map((kind) => link[kind])]) }}
    />
  );
}
