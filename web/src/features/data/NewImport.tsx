import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Page } from "../../components/Page";
import { useAnswer } from "../../lib/api";
import { useUrlState } from "../../lib/url";
import css from "./data.module.css";
import { Drop } from "./Drop";
import { Importer, Running } from "./Importer";
import { ReportOf } from "./Report";

const STATE = { upload: "", name: "", job: "", from: "" };

/** A file on its way in: mapping, preview, import, report. Where it stands is in the address, so it can be left and found again. */
export default function NewImport() {
  const { t } = useTranslation("data");
  const go = useNavigate();
  const [state, setState] = useUrlState(STATE);
  const from = useAnswer("/api/v1/imports/{id}", { params: { path: { id: state.from } } }, { enabled: state.from !== "" });
  const another = () => void go("/data/imports");
  return (
    <Page title={state.name || t("imports.new")} above={[{ to: "/data/imports", title: t("imports.title") }]}>
      {state.job ? (
        <Running job={state.job}>
          {(id) => (
            <>
              <ReportOf id={id} />
              <div className={css["buttons"]}>
                <Button onClick={() => void go("/data/events")}>{t("imports.toEvents")}</Button>
                <Button type="primary" onClick={() => void go("/start")}>
                  {t("imports.toStart")}
                </Button>
              </div>
            </>
          )}
        </Running>
      ) : state.upload === "" ? (
        <Drop done={({ upload, name }) => setState({ upload, name })} />
      ) : (
        (state.from === "" || from.data || from.error) && (
          <Importer upload={state.upload} name={state.name} begin={from.data?.mapping} begun={(job) => setState({ job }, { push: true })} another={another} />
        )
      )}
    </Page>
  );
}
