import { Button, Select, Tooltip } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";

import { useUndoToast } from "../../../components/Confirm";
import { Icon } from "../../../components/Icon";
import { Empty } from "../../../components/States";
import type { Vocabulary } from "../words";
import css from "./builder.module.css";
import { Effect, type EffectOf, scaleOf } from "./Effect";
import { changed, complete, emptyGroup, type Group, type Item, type Mode, newId, type Row, sizeOf } from "./model";
import { RowEditor } from "./RowEditor";
import { SubjectSelect } from "./Subject";

const MODES: readonly Mode[] = ["all", "any", "none", "notAll"];

export interface BuilderProps {
  root: Group;
  onChange: (root: Group) => void;
  vocabulary: Vocabulary;
  /** What each row and group does to the result. */
  effects: ReadonlyMap<string, EffectOf>;
  /** The whole result. */
  count: number | undefined;
  /** Whether the numbers are of what stood here before the last change. */
  stale: boolean;
}

/** A condition as nested groups of rows, each with what it does to the result. */
export function Builder(props: BuilderProps) {
  const { t } = useTranslation("audiences");
  const { root, onChange, vocabulary, effects } = props;
  const add = (item: Item) => onChange({ ...root, items: [...root.items, item] });
  // Without the only condition there would be everybody: that is no scale for the parts.
  const parts = [...effects].filter(([id]) => id !== root.id).map(([, effect]) => effect);
  const scale = scaleOf(parts, props.count ?? 0);
  if (!root.items.length) {
    return (
      <Empty icon="audiences" title={t("start")} action={<Adding add={add} vocabulary={vocabulary} first />}>
        {t("startNote")}
      </Empty>
    );
  }
  return (
    <div className={css["builder"]} data-stale={props.stale}>
      <div className={css["heads"]} aria-hidden="true">
        <span />
        <Tooltip title={t("aloneNote")}>
          <span>{t("alone")}</span>
        </Tooltip>
        <Tooltip title={t("effectNote")}>
          <span>{t("effect")}</span>
        </Tooltip>
        <span />
      </div>
      <GroupEditor {...props} group={root} top scale={scale} />
    </div>
  );
}

interface Inner extends BuilderProps {
  /** How many people the longest bar stands for. */
  scale: number;
}

interface GroupProps extends Inner {
  group: Group;
  top?: boolean;
}

function GroupEditor({ group, top, ...props }: GroupProps) {
  const { t } = useTranslation("audiences");
  const { root, onChange, vocabulary, effects } = props;
  const name = useId();
  const say = useUndoToast();
  const set = (next: Group) => onChange(top ? next : changed(root, group.id, next));
  const remove = (item: Item) => {
    onChange(changed(root, item.id, null));
    say(t("removed"), () => {
      onChange(root);
      return Promise.resolve();
    });
  };
  return (
    <section className={css["group"]} data-top={top ?? false} aria-labelledby={name}>
      <header className={css["groupHead"]}>
        <span id={name} className="unseen">
          {t("group")}
        </span>
        <Select<Mode>
          value={group.mode}
          variant="filled"
          size="small"
          popupMatchSelectWidth={false}
          aria-label={t("mode")}
          options={MODES.map((mode) => ({ value: mode, label: t(`modes.${mode}`) }))}
          onChange={(mode) => set({ ...group, mode })}
        />
        <span className={css["space"]} />
        {!top && <Effect of={effects.get(group.id)} count={props.count} scale={props.scale} />}
        {!top && (
          <Button type="text" size="small" icon={<Icon name="close" size={16} />} aria-label={t("removeGroup")} onClick={() => remove(group)} />
        )}
      </header>
      <ol className={css["items"]}>
        {group.items.map((item, index) => (
          <li key={item.id} className={css["item"]}>
            <span className={css["joint"]}>{index > 0 ? t(`joined.${group.mode}`) : ""}</span>
            {item.kind === "group" ? (
              <GroupEditor {...props} group={item} />
            ) : (
              <RowFrame {...props} row={item} number={index + 1} replace={(next) => set({ ...group, items: group.items.map((old) => (old.id === item.id ? next : old)) })} remove={() => remove(item)} />
            )}
          </li>
        ))}
      </ol>
      <footer className={css["groupFoot"]}>
        <Adding add={(item) => set({ ...group, items: [...group.items, item] })} vocabulary={vocabulary} />
        <Button
          type="text"
          size="small"
          icon={<Icon name="plus" size={16} />}
          onClick={() => set({ ...group, items: [...group.items, emptyGroup(group.mode === "any" ? "all" : "any")] })}
        >
          {t("addGroup")}
        </Button>
      </footer>
    </section>
  );
}

function RowFrame({
  row,
  number,
  replace,
  remove,
  vocabulary,
  effects,
  count,
  scale,
}: Inner & { row: Row; number: number; replace: (item: Item) => void; remove: () => void }) {
  const { t } = useTranslation("audiences");
  return (
    <div className={css["row"]} role="group" aria-label={t("row", { number })}>
      <div className={css["editor"]}>
        <RowEditor row={row} onChange={replace} vocabulary={vocabulary} />
      </div>
      {complete(row) ? <Effect of={effects.get(row.id)} count={count} scale={scale} /> : <span className={css["incomplete"]}>{t("incomplete")}</span>}
      <Button type="text" size="small" icon={<Icon name="close" size={16} />} aria-label={t("remove")} onClick={remove} />
    </div>
  );
}

/** The button that becomes a choice of what the new condition is about. */
function Adding({ add, vocabulary, first }: { add: (item: Item) => void; vocabulary: Vocabulary; first?: boolean }) {
  const { t } = useTranslation("audiences");
  return (
    <SubjectSelect
      vocabulary={vocabulary}
      value={null}
      label={t("add")}
      adding
      prominent={first ?? false}
      onChange={(row) => add({ ...row, id: newId() })}
    />
  );
}

/** Whether every row says something. */
export function allComplete(root: Group): boolean {
  return root.items.every((item) => (item.kind === "group" ? allComplete(item) : complete(item)));
}

export { sizeOf };
