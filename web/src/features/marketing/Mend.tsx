import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Card, Page } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { useAnswer, useAsked, useChange } from "../../lib/api";
import { useDebounced } from "../../lib/useDebounced";
import css from "./marketing.module.css";

/** A campaign whose file cannot be read, as text until it can. */
export function Mend({ name }: { name: string }) {
  const { t } = useTranslation("marketing");
  const file = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "campaigns", name } } }, { refetchOnWindowFocus: false });
  return (
    <Page title={name} above={[{ to: "/marketing", title: t("title") }]} description={t("draft.broken")}>
      <Shown of={file}>{(data) => <Text name={name} text={data.text} etag={data.etag} />}</Shown>
    </Page>
  );
}

function Text({ name, text, etag }: { name: string; text: string; etag: string }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(text);
  const asked = useDebounced(typed, 300);
  const check = useAsked("/api/v1/definitions/{kind}/check", { params: { path: { kind: "campaigns" } }, body: { name, text: asked } }, { placeholderData: (last) => last });
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates: [["definitions"], ["campaigns"]] });
  const keep = () => save.mutate({ params: { path: { kind: "campaigns", name } }, headers: { "If-Match": `"${etag}"` }, body: { text: typed } });
  return (
    <Card>
      <div className={css["form"]}>
        <CodeEditor label={`campaigns/${name}.yml`} language="yaml" height={420} value={typed} problems={check.data?.problems ?? []} onChange={setTyped} onSubmit={keep} />
        <div className={css["row"]}>
          <Button type="primary" disabled={typed === text} loading={save.isPending} onClick={keep}>
            {t("save")}
          </Button>
        </div>
        {save.error && <FailureLine error={save.error} />}
      </div>
    </Card>
  );
}
