import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon, type IconName } from "../../components/Icon";
import { Card } from "../../components/Page";
import type { Answer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import css from "./overview.module.css";

type Need = Answer<"/api/v1/overview">["needs"][number];

const ICONS: Record<Need["weight"], IconName> = { danger: "warning", warn: "clock", notice: "info" };

/** What somebody must look at, each with the way to it. */
export function Needs({ needs }: { needs: readonly Need[] }) {
  const { t } = useTranslation("overview");
  if (!needs.length) {
    return (
      <section className={css["calm"]} aria-label={t("needs.title")}>
        <span className={css["good"]}>
          <Icon name="check" />
        </span>
        <strong>{t("needs.nothing")}</strong>
        <span>{t("needs.nothingNote")}</span>
      </section>
    );
  }
  return (
    <div className={css["whole"]}>
      <Card title={t("needs.title")} flush>
        <ul className={css["needs"]}>
          {needs.map((need, index) => (
            <li key={index}>
              <NeedRow need={need} />
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

function NeedRow({ need }: { need: Need }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const rest = need.n - need.subjects.length;
  const names = [...need.subjects, ...(rest > 0 && need.subjects.length > 0 ? [t("needs.more", { count: rest })] : [])];
  return (
    <Link to={wayTo(need)} className={css["need"]}>
      <span className={css[need.weight]} title={t(`weight.${need.weight}`)}>
        <Icon name={ICONS[need.weight]} />
        <span className="unseen">{t(`weight.${need.weight}`)}</span>
      </span>
      <span className={css["needWords"]}>
        <span className={css["needTitle"]}>{t(`needs.${need.kind}`, { count: need.n })}</span>
        {(names.length > 0 || need.note || need.at) && (
          <span className={css["needNote"]}>
            {[names.join(" · "), need.note, need.at ? t("needs.since", { when: format.ago(need.at) }) : ""].filter(Boolean).join(" — ")}
          </span>
        )}
      </span>
      <span className={css["needGo"]}>
        {t("needs.look")} <Icon name="next" size={16} />
      </span>
    </Link>
  );
}

/** Where the cause of a need is mended. */
function wayTo({ kind, subjects }: Need): string {
  const [first = ""] = subjects;
  switch (kind) {
    case "problems":
      return placeOfFile(first);
    case "failed_runs":
      return "/data/runs";
    case "halted":
      return placeOf("campaign", first) ?? "/marketing/campaigns";
    case "approvals":
      return "/marketing/campaigns";
    case "quarantine":
      return "/data/quarantine";
    case "unhealthy":
      return "/data";
    case "expired_tags":
      return "/tags?state=expired";
    case "changed_tags":
      return "/tags?state=changed";
    case "new_tags":
      return "/tags?state=new";
  }
}

const KINDS: Record<string, string> = { tags: "tag", audiences: "audience", campaigns: "campaign", templates: "template" };

/** The page of a definition file: tags/vip.yml:4:7 is the tag vip. */
function placeOfFile(where: string): string {
  const [, folder = "", name = ""] = /^(\w+)\/([^.:]+)/.exec(where) ?? [];
  return placeOf(KINDS[folder] ?? "", name) ?? "/tags";
}
