import { Button, Input, type InputRef } from "antd";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { Said } from "../../components/Said";
import { Field } from "../tags/Form";
import { NAME, type RowMistake } from "./rows";
import css from "./rows.module.css";

/** One row of a form: what it is called, what can be done with it as a whole, and what is wrong in it. */
export function Row({ title, says, actions, mistakes, children }: { title: string; says?: ReactNode; actions: ReactNode; mistakes: readonly RowMistake[]; children: ReactNode }) {
  return (
    <section className={css["row"]} role="group" aria-label={title}>
      <header>
        <span>
          <strong>{title}</strong>
          {says && <span className={css["faint"]}> {says}</span>}
        </span>
        <span className={css["actions"]}>{actions}</span>
      </header>
      {mistakes.map((mistake, index) => (
        <p key={index} className={css["bad"]} role="alert">
          <Said of={mistake} />
        </p>
      ))}
      {children}
    </section>
  );
}

/** A button of a row that is only a picture; its words are for those who do not see it, and on hovering. */
export function Action({ icon, label, disabled, onClick }: { icon: "up" | "down" | "trash"; label: string; disabled: boolean; onClick: () => void }) {
  return <Button type="text" size="small" icon={<Icon name={icon} size={16} />} aria-label={label} title={label} disabled={disabled} onClick={onClick} />;
}

/** What a row is called in the file; it counts when the field is left. `focus`: it has just been added. */
export function NameField({ label, name, taken, rename, focus, readOnly }: { label: string; name: string; taken: readonly string[]; rename: (to: string) => void; focus: boolean; readOnly: boolean }) {
  const { t } = useTranslation("marketing");
  const input = useRef<InputRef>(null);
  const [typed, setTyped] = useState(name);
  const [seen, setSeen] = useState(name);
  if (seen !== name) {
    setSeen(name);
    setTyped(name);
  }
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);
  const good = typed === name || (NAME.test(typed) && !taken.includes(typed));
  const done = () => {
    if (good && typed !== name) rename(typed);
  };
  return (
    <Field label={label} {...(good ? {} : { hint: t("rows.nameBad") })}>
      {(id) => (
        <Input
          id={id}
          ref={input}
          value={typed}
          disabled={readOnly}
          spellCheck={false}
          aria-invalid={!good}
          status={good ? "" : "error"}
          onChange={(event) => setTyped(event.target.value.trim())}
          onBlur={done}
          onPressEnter={(event) => {
            event.preventDefault();
            done();
          }}
        />
      )}
    </Field>
  );
}
