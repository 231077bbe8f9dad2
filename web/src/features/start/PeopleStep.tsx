import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Shown } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import type { StepProps } from "./Start";
import css from "./start.module.css";

/** How many people the data are about, and by what they are known. */
export function PeopleStep({ go }: StepProps) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const navigate = useNavigate();
  const names: Record<string, string> = t("people.kinds", { returnObjects: true });
  const found = useAnswer("/api/v1/identity", {}, { staleTime: 0 });
  return (
    <Shown of={found}>
      {(identity) =>
        identity.people === 0 ? (
          <p>{t("people.nobody")}</p>
        ) : (
          <>
            <p>{t("people.have", { count: identity.people, exact: format.exact(identity.people) })}</p>
            <ul className={css["facts"]}>
              {identity.identifiers.map((item) => (
                <li key={item.kind}>
                  <b>{format.exact(item.n)}</b> {names[item.kind] ?? item.kind}
                </li>
              ))}
            </ul>
            {identity.merged > 0 && <p>{t("people.one", { count: identity.merged, exact: format.exact(identity.merged) })}</p>}
            <div className={css["buttons"]}>
              <Button type="primary" onClick={() => go("tags")}>
                {t("people.go")}
              </Button>
              <Button onClick={() => void navigate("/people")}>{t("people.look")}</Button>
            </div>
          </>
        )
      }
    </Shown>
  );
}
