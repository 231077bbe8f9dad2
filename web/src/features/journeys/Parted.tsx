import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { FailureLine, Loading } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import { Groups } from "../marketing/Breakdown";

/** What each way of a split, or each text of a message, did to those who entered. */
export function Parted({ name, steps }: { name: string; steps: readonly { value: string; label: string }[] }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const [chosen, setChosen] = useState("");
  const step = steps.find(({ value }) => value === chosen)?.value ?? steps[0]?.value ?? "";
  const found = useAnswer("/api/v1/journeys/{name}/breakdown", { params: { path: { name }, query: { step } } }, { enabled: step !== "", refetchInterval: 60_000, retry: false, placeholderData: (last) => last });
  return (
    <Card
      title={t("parted.title")}
      note={found.data && t(`parted.${found.data.by}`, { when: format.moment(found.data.since) })}
      extra={steps.length > 1 && <Select aria-label={t("parted.choose")} value={step} popupMatchSelectWidth={false} onChange={setChosen} options={[...steps]} />}
    >
      {found.error ? <FailureLine error={found.error} /> : found.data ? <Groups found={{ ...found.data, type: "text", tag_as_of: null }} /> : <Loading shape="text" rows={3} />}
    </Card>
  );
}
