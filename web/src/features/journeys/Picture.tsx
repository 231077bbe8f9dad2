import { Segmented } from "antd";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import parts from "../../components/parts.module.css";
import { Loading } from "../../components/States";
import { END } from "./graph";
import css from "./journeys.module.css";
import { leaveId, START } from "./layout";
import { type PictureProps, useBoxes, useLines } from "./parts";
import { useNarrow } from "./useNarrow";
import { stepOf, useWords } from "./useWords";

const Canvas = lazy(() => import("./Canvas"));

/** A journey as a picture or as a list; on a narrow screen as a list. */
export function Picture(props: PictureProps) {
  const { t } = useTranslation("journeys");
  const small = useNarrow();
  const [view, setView] = useState<"picture" | "list">("picture");
  return (
    <div className={css["picture"]}>
      {!small && (
        <Segmented
          size="small"
          className={css["views"] ?? ""}
          aria-label={t("canvas.view")}
          value={view}
          onChange={setView}
          options={(["picture", "list"] as const).map((value) => ({ value, label: t(`canvas.${value}`) }))}
        />
      )}
      {small || view === "list" ? (
        <List {...props} />
      ) : (
        <Suspense fallback={<Loading shape="chart" rows={8} />}>
          <Canvas {...props} />
        </Suspense>
      )}
    </div>
  );
}

/** The steps one after the other, with the same words and numbers as the picture. */
function List(props: PictureProps) {
  const { graph, onAdd } = props;
  const { t } = useTranslation("journeys");
  const words = useWords();
  const box = useBoxes(props);
  const lines = useLines(props);
  const called = (name: string) => {
    const step = stepOf(graph, name);
    return step ? t("named", { kind: words.kind(step), says: words.says(step) || name }) : name;
  };
  const ids = [START, ...graph.steps.map((step) => step.name), END, ...graph.leaves.map((_, index) => leaveId(index))];
  return (
    <ol className={css["list"]} aria-label={t("canvas.list")}>
      {ids.map((id) => {
        const data = box(id);
        const step = stepOf(graph, id);
        const ways = step?.ways ?? (id === START ? [{ name: "", next: graph.steps[0]?.name ?? END }] : []);
        const inside = (
          <>
            <span className={css["listIcon"]} data-tone={data.tone}>
              <Icon name={data.icon} size={16} />
            </span>
            <span className={css["listWords"]}>
              <span className={css["listKind"]}>
                {data.kind}
                {data.problem && <span className={parts["bad"]}> · {t("canvas.problem")}</span>}
              </span>
              {data.says && <span className={css["listSays"]}>{data.says}</span>}
            </span>
            <span className={css["listCount"]}>{data.count}</span>
          </>
        );
        return (
          <li key={id} data-lit={data.lit || undefined}>
            {data.open ? (
              <button type="button" className={css["listBox"]} onClick={data.open}>
                {inside}
              </button>
            ) : (
              <div className={css["listBox"]}>{inside}</div>
            )}
            {ways.length > 0 && (
              <ul className={css["listWays"]}>
                {lines({ from: id, ways }).map((way, index) => {
                  const next = ways[index]?.next ?? END;
                  const goes = next === END ? t("canvas.toEnd") : t("canvas.goes", { step: called(next) });
                  return (
                    <li key={way.name}>
                      <span>
                        {way.label && <strong>{way.label} </strong>}
                        {goes}
                        {way.count && <span className={parts["faint"]}> · {way.countTitle}</span>}
                      </span>
                      {onAdd && (
                        <button type="button" className={css["listAdd"]} aria-label={t("canvas.add", { where: way.where })} title={t("canvas.add", { where: way.where })} onClick={() => onAdd(id === START ? null : { step: id, way: way.name })}>
                          <Icon name="plus" size={14} />
                        </button>
                      )}
                    </li>
                  );
                })}
              </ul>
            )}
          </li>
        );
      })}
    </ol>
  );
}
