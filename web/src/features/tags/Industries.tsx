import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card, Figure, Grid, Page } from "../../components/Page";
import { Shown } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./industry.module.css";
import { titleOf } from "./titleOf";

/** Ready tags and audiences of a trade: which there are, how much each brings, and how much of it is here. */
export default function Industries() {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const found = useAnswer("/api/v1/industries");
  return (
    <Page title={t("industry.title")} description={t("industry.note")} above={[{ to: "/tags", title: t("title") }]}>
      <Shown of={found} shape="cards" rows={2}>
        {({ industries }) => (
          <Grid least={360}>
            {industries.map((item) => (
              <Card key={item.name} title={<Link to={`/tags/templates/${item.name}`}>{titleOf(item.titles, language, item.name)}</Link>} note={<code>{item.name}</code>}>
                <p className={css["about"]}>{titleOf(item.about, language, "")}</p>
                <Grid least={96}>
                  <Figure label={t("industry.tags")} value={format.exact(item.tags)} />
                  <Figure label={t("industry.audiences")} value={format.exact(item.audiences)} />
                  <Figure label={t("industry.here")} value={format.exact(item.installed)} note={t("industry.hereNote")} />
                </Grid>
              </Card>
            ))}
          </Grid>
        )}
      </Shown>
    </Page>
  );
}
