import { Drawer } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { When } from "../../components/Numbers";
import parts from "../../components/parts.module.css";
import { Empty, Shown } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import css from "./journeys.module.css";

const MOST = 200;

/** Who stands at a step now (or anywhere: ""), since when, and when they move. */
export function Here({ name, step, title, close }: { name: string; step: string; title: string; close: () => void }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const found = useAnswer("/api/v1/journeys/{name}/people", { params: { path: { name }, query: { step, limit: MOST } } }, { refetchInterval: 10_000 });
  return (
    <Drawer open onClose={close} size={480} title={title} aria-label={title}>
      <Shown of={found} shape="table">
        {(data) =>
          data.total === 0 ? (
            <Empty small title={t("here.nobody")} />
          ) : (
            <>
              <p className={parts["faint"]}>{data.total > MOST ? t("here.most", { exact: format.exact(data.total), shown: format.exact(MOST) }) : t("count.here", { count: data.total, exact: format.exact(data.total) })}</p>
              <table className={css["people"]} aria-label={title}>
                <thead>
                  <tr>
                    <th scope="col">{t("tasks.person")}</th>
                    <th scope="col">{t("here.arrived")}</th>
                    <th scope="col">{t("here.due")}</th>
                  </tr>
                </thead>
                <tbody>
                  {data.people.map((row) => (
                    <tr key={row.person}>
                      <td>
                        <Link to={placeOf("person", row.person) ?? "/people"}>{row.called}</Link>
                        {row.arm === "held_out" && <span className={parts["faint"]}> · {t("figures.held_out")}</span>}
                      </td>
                      <td>
                        <When at={row.arrived_at} />
                      </td>
                      <td>
                        <When at={row.due_at} as="moment" />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )
        }
      </Shown>
    </Drawer>
  );
}
