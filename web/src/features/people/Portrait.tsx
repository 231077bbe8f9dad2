import { Button, DatePicker, Dropdown } from "antd";
import dayjs from "dayjs";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { Count, When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Erase } from "./Erase";
import { Give } from "./Give";
import { Linked } from "./Linked";
import { Messages } from "./Messages";
import { Next } from "./Next";
import { Past, type View, viewOf, Views } from "./Past";
import css from "./people.module.css";
import { text, useChannel, useKind } from "./say";
import { Reach } from "./Reach";
import { Since } from "./Since";
import { type Portrayed, Tags } from "./Tags";
import { Timeline } from "./Timeline";
import { Why } from "./Why";

const STATE = { as_of: "", view: "", why: "" };
const DAY = "YYYY-MM-DD";

export default function Portrait() {
  const { id = "" } = useParams();
  const { t } = useTranslation("people");
  const [{ as_of, view, why }, set] = useUrlState(STATE);
  const [job, setJob] = useState("");
  const shown = useAnswer("/api/v1/people/{id}", { params: { path: { id }, query: as_of ? { as_of, view: viewOf(view) } : {} } }, { enabled: job === "" });
  const today = useAnswer("/api/v1/people/{id}", { params: { path: { id }, query: {} } }, { enabled: as_of !== "" && job === "" });
  if (job) {
    return (
      <Page title={t("erase.job")} above={[{ to: "/people", title: t("title") }]}>
        <Card>
          <JobOf id={job} />
        </Card>
      </Page>
    );
  }
  return (
    <Shown of={shown} shape="page">
      {(person) => (
        <>
          <Whole person={person} today={as_of ? today.data : undefined} asOf={as_of} setAsOf={(next) => set({ as_of: next }, { push: true })} setView={(next) => set({ view: next }, { push: true })} ask={(key) => set({ why: key }, { push: true })} erased={setJob} />
          <Why id={person.person} tag={why} asOf={as_of} view={person.view} ask={(key) => set({ why: key }, { push: true })} close={() => set({ why: "" })} />
        </>
      )}
    </Shown>
  );
}

interface WholeProps {
  person: Portrayed;
  today: Portrayed | undefined;
  asOf: string;
  setAsOf: (day: string) => void;
  setView: (view: View) => void;
  ask: (key: string) => void;
  erased: (job: string) => void;
}

function Whole({ person, today, asOf, setAsOf, setView, ask, erased }: WholeProps) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const kindOf = useKind();
  const admin = useMay("admin");
  const operator = useMay("operator");
  const [erasing, setErasing] = useState(false);
  const [giving, setGiving] = useState(false);
  const { header } = person;
  const name = header.name ?? header.id?.value ?? person.person;
  return (
    <Page
      title={name}
      above={[{ to: "/people", title: t("title") }]}
      description={
        <span className={css["subline"]}>
          {header.id && header.name && <span>{`${kindOf(header.id.kind)} ${header.id.value}`}</span>}
          {header.contact && <span>{`${kindOf(header.contact.kind)} ${header.contact.value}`}</span>}
          <span className={css["quiet"]} title={t("glance.person")}>
            {person.person}
          </span>
        </span>
      }
      actions={
        <>
          <DatePicker
            value={asOf ? dayjs(asOf) : null}
            placeholder={t("asOf.placeholder")}
            aria-label={t("asOf.label")}
            disabledDate={(day) => day.isAfter(dayjs())}
            onChange={(day: dayjs.Dayjs | null) => setAsOf(day ? day.format(DAY) : "")}
          />
          {admin && (
            <Dropdown
              trigger={["click"]}
              placement="bottomRight"
              menu={{
                items: [
                  { key: "export", label: <a href={`/api/v1/people/${person.person}/export`} download>{t("actions.export")}</a>, icon: <Icon name="download" size={16} /> },
                  { key: "erase", label: t("actions.erase"), icon: <Icon name="trash" size={16} />, danger: true, onClick: () => setErasing(true) },
                ],
              }}
            >
              <Button icon={<Icon name="more" />} aria-label={t("actions.more")} />
            </Dropdown>
          )}
        </>
      }
    >
      {header.first_seen && <Past first={(today ?? person).header.first_seen ?? header.first_seen} asOf={asOf} setAsOf={setAsOf} />}
      {asOf && (
        <div className={css["notice"]} role="status">
          <strong>{t("asOf.past", { when: format.moment(person.as_of) })}</strong>
          <Views person={person} setView={setView} />
          <Button size="small" onClick={() => setAsOf("")}>
            {t("asOf.back")}
          </Button>
        </div>
      )}
      {person.masked && (
        <div className={css["notice"]}>
          <Icon name="hidden" size={16} />
          <strong>{t("masked")}</strong>
          <span>{t("maskedWhy")}</span>
        </div>
      )}
      <Glance person={person} />
      <div className={css["columns"]}>
        <div className={css["column"]}>
          <Tags person={person} today={today} ask={ask} give={operator && !asOf ? () => setGiving(true) : undefined} />
          <div className={css["last"]}>
            <Timeline id={person.person} until={asOf} view={person.view} />
          </div>
        </div>
        <div className={css["column"]}>
          {asOf && <Since id={person.person} asOf={asOf} view={person.view} />}
          <Consent person={person} />
          {!asOf && <Next id={person.person} />}
          {!asOf && <Reach id={person.person} />}
          <Messages id={person.person} asOf={asOf} />
          <Linked person={person} />
          <Audiences person={person} />
          <Attributes person={person} />
        </div>
      </div>
      <Give open={giving} close={() => setGiving(false)} person={person.person} />
      {admin && <Erase person={today ?? person} open={erasing} close={() => setErasing(false)} begun={erased} />}
    </Page>
  );
}

function Glance({ person }: { person: Portrayed }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const { header } = person;
  const main = (tag: Portrayed["header"]["stage"], label: string): [string, ReactNode] => [tag ? titleIn(tag.titles, language, tag.key) : label, tag ? text(tag.value) : null];
  const facts: [string, ReactNode][] = [
    main(header.stage, t("glance.stage")),
    main(header.value, t("glance.value")),
    main(header.place, t("glance.place")),
    [t("glance.source"), header.first_source],
    [t("glance.first"), header.first_seen && <When at={header.first_seen} as="date" />],
    [t("glance.last"), header.last_seen && <When at={header.last_seen} />],
    [t("glance.events"), <Count key="events" value={header.events} />],
    [t("glance.messages"), <Count key="messages" value={header.messages} />],
  ];
  return (
    <Card title={t("glance.title")}>
      <dl className={css["glance"]}>
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            {value === null || value === undefined || value === "" ? <dd className={css["quiet"]}>{t("glance.unknown")}</dd> : <dd>{value}</dd>}
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Consent({ person }: { person: Portrayed }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const channelOf = useChannel();
  const reasons: Record<string, string> = t("consent.reasons", { returnObjects: true });
  return (
    <Card title={t("consent.title")}>
      <ul className={css["list"]}>
        {person.header.consents.map((word, index) => (
          <li key={index}>
            <div className={css["line"]}>
              <span>
                {channelOf(word.channel)} · {word.class === "service" ? t("consent.service") : t("consent.marketing")}
              </span>
              <span className={word.suppressed ? css["bad"] : css[{ granted: "good", withdrawn: "bad", unknown: "quiet" }[word.state]]}>
                {word.suppressed ? t("consent.stopped", { reason: reasons[word.suppressed] ?? word.suppressed }) : t(`consent.${word.state}`)}
              </span>
            </div>
            {word.at && <div className={css["under"]}>{t("consent.since", { when: format.date(word.at), source: [word.source, word.proof].filter(Boolean).join(", ") })}</div>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Audiences({ person }: { person: Portrayed }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  return (
    <Card title={t("audiences.title")}>
      {person.audiences.length === 0 ? (
        <Empty small icon="audiences" title={t("audiences.none")}>
          {t("audiences.noneNote")}
        </Empty>
      ) : (
        <ul className={css["list"]}>
          {person.audiences.map((audience) => (
            <li key={audience.name} className={css["line"]}>
              <Link to={placeOf("audience", audience.name) ?? "/audiences"}>{titleIn(audience.titles, language, audience.name)}</Link>
              <span className={css["under"]}>
                {[
                  audience.since && t("audiences.since", { when: format.date(audience.since) }),
                  person.then && audience.by !== "both" && t(`audiences.by.${audience.by}`),
                  audience.definition === "first" && t("audiences.first"),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Attributes({ person }: { person: Portrayed }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const kinds: Record<string, string> = { declared: t("attributes.declared"), observed: t("attributes.observed"), inferred: t("attributes.inferred") };
  return (
    <Card title={t("attributes.title")}>
      {person.attributes.length === 0 ? (
        <p className={css["quiet"]}>{t("attributes.none")}</p>
      ) : (
        <ul className={css["list"]}>
          {person.attributes.map((attribute) => (
            <li key={attribute.name}>
              <div className={css["line"]}>
                <span className={css["quiet"]}>{attribute.name}</span>
                <span>{text(attribute.value)}</span>
              </div>
              <div className={css["under"]}>{t("attributes.by", { kind: kinds[attribute.kind] ?? attribute.kind, source: attribute.source ?? "–", when: format.date(attribute.at) })}</div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
