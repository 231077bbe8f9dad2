import { Button, QRCode, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Copy } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { Card, Facts, Grid, Page } from "../../components/Page";
import { Preview } from "../../components/Preview";
import { FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, useAnswer, useAsked, useChange } from "../../lib/api";
import { peopleWhere } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { useUnsaved } from "../../lib/useUnsaved";

type File = Answer<"/api/v1/definitions/{kind}/{name}">;
type Form = Answer<"/api/v1/forms/{name}">;

/** One form: its text beside its page, where it can be reached, and what was answered. */
export default function One() {
  const { name = "" } = useParams();
  const { t } = useTranslation("forms");
  const file = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "forms", name } } }, { refetchOnWindowFocus: false });
  const above = [{ to: "/content/forms", title: t("title") }];
  if (file.data) return <Editor key={file.data.etag} file={file.data} above={above} />;
  return (
    <Page title={name} above={above}>
      <Shown of={file} shape="page">
        {() => null}
      </Shown>
    </Page>
  );
}

function Editor({ file, above }: { file: File; above: { to: string; title: string }[] }) {
  const { t } = useTranslation("forms");
  const { language } = usePreferences();
  const may = useMay("operator") && !file.read_only;
  const done = useUndoToast();
  const [text, setText] = useState(file.text);
  const [tongue, setTongue] = useState<"en" | "zh">(language === "zh" ? "zh" : "en");
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates: [["definitions"], ["forms"]], onDone: () => done(t("saved")) });
  const dirty = text !== file.text;
  useUnsaved(dirty);
  const asked = useDebounced(text, 350);
  const checked = useAsked("/api/v1/definitions/{kind}/check", { params: { path: { kind: "forms" } }, body: { name: file.name, text: asked } }, { placeholderData: (last) => last });
  const page = useAsked("/api/v1/forms/preview", { body: { text: asked, name: file.name, language: tongue } }, { placeholderData: (last) => last, retry: false });
  const shown = useAnswer("/api/v1/forms/{name}", { params: { path: { name: file.name } } }, { refetchInterval: 15_000 });
  const problems = checked.data?.problems ?? [];
  const keep = () => {
    if (dirty && may) save.mutate({ params: { path: { kind: "forms", name: file.name } }, headers: { "If-Match": `"${file.etag}"` }, body: { text } });
  };
  return (
    <Page
      title={titleIn(shown.data?.titles ?? {}, language, file.name)}
      above={above}
      {...(file.read_only ? { description: t("readOnly") } : {})}
      actions={
        may && (
          <>
            {dirty && <span>{t("unsaved")}</span>}
            <Button type="primary" disabled={!dirty || problems.length > 0} loading={save.isPending} onClick={keep}>
              {t("save")}
            </Button>
          </>
        )
      }
    >
      {save.error && <FailureLine error={save.error} />}
      <Grid least={420}>
        <Card title={`forms/${file.name}.yml`} note={problems.length === 0 && checked.data ? t("fine") : undefined}>
          <CodeEditor label={file.name} value={text} language="yaml" height={480} readOnly={!may} problems={problems} onChange={setText} onSubmit={keep} />
        </Card>
        <Card
          title={t("preview")}
          note={t("previewNote")}
          extra={<Segmented aria-label={t("language")} value={tongue} onChange={setTongue} options={(["en", "zh"] as const).map((value) => ({ value, label: t(`languages.${value}`) }))} />}
        >
          {page.error ? <FailureLine error={page.error} /> : page.data ? <Preview title={t("preview")} html={page.data.html} height={480} /> : <Loading rows={6} />}
        </Card>
      </Grid>
      {shown.data && <Answers form={shown.data} />}
    </Page>
  );
}

function Answers({ form }: { form: Form }) {
  const { t } = useTranslation("forms");
  const { language } = usePreferences();
  const format = useFormat();
  const away = Object.entries(form.turned_away);
  const known = t("reasons", { returnObjects: true }) as Record<string, string>;
  const days = form.days.filter((day) => day.answers > 0).reverse();
  return (
    <>
      <Grid least={320}>
        <Card title={t("link")} note={<>{t("linkNote")} <code>{`{{ form.${form.name} }}`}</code></>}>
          <Copy text={form.url} />
          {form.url.startsWith("http") && <QRCode value={form.url} type="svg" aria-label={t("qr")} />}
        </Card>
        <Card title={t("answers")} extra={<Link to={peopleWhere(form.where)}>{t("people")}</Link>}>
          <Facts
            facts={[
              [t("total"), format.exact(form.answers)],
              [t("recognized"), format.exact(form.recognized)],
              [t("away"), away.length ? away.map(([why, n]) => `${known[why] ?? why}: ${format.exact(n)}`).join(" · ") : t("awayNone")],
            ]}
          />
        </Card>
      </Grid>
      <Card title={t("byDay")} flush>
        <DataTable
          name={t("byDay")}
          rows={days}
          rowKey={(row) => row.day}
          columns={[
            { key: "day", title: t("day"), value: (row) => row.day },
            { key: "answers", title: t("answers"), align: "right", value: (row) => row.answers },
          ]}
        />
      </Card>
      <Card title={t("fields")} flush>
        <DataTable
          name={t("fields")}
          rows={form.fields}
          rowKey={(row) => row.name}
          columns={[
            { key: "field", title: t("field"), value: (row) => titleIn(row.labels, language, row.name) },
            { key: "kind", title: t("kind"), value: (row) => row.kind, wide: true },
            { key: "to", title: t("to"), value: (row) => row.to ?? t(row.kind === "consent" ? "consents" : "event") },
            { key: "once", title: t("once"), value: (row) => t(row.once && (row.to !== null || row.kind === "consent") ? "onceYes" : "onceNo"), wide: true },
          ]}
        />
      </Card>
    </>
  );
}
