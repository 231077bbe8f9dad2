import { Button, Checkbox, Input, Popover } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";

import { useAnswer, useChange } from "../lib/api";
import { useMay } from "../lib/session";
import { Icon } from "./Icon";
import { FailureLine, Shown } from "./States";
import css from "./views.module.css";

/** The saved views of a list: what its address asks, under a name. Put it into the table's `actions`. */
export function SavedViews({ page }: { page: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Popover open={open} onOpenChange={setOpen} trigger="click" placement="bottomRight" content={<Views page={page} close={() => setOpen(false)} />} destroyOnHidden>
      <Button type="text" icon={<Icon name="eye" />} aria-expanded={open}>
        {t("views.title")}
      </Button>
    </Popover>
  );
}

function Views({ page, close }: { page: string; close: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const may = useMay("operator");
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const views = useAnswer("/api/v1/views", { params: { query: { page } } });
  const save = useChange("post", "/api/v1/views", { onDone: () => setName("") });
  const remove = useChange("delete", "/api/v1/views/{id}");
  const query = search.replace(/^\?/, "");
  return (
    <div className={css["views"]}>
      <Shown of={views} rows={2}>
        {(found) =>
          found.views.length === 0 ? (
            <p className={css["none"]}>{t("views.none")}</p>
          ) : (
            <ul>
              {found.views.map((view) => (
                <li key={view.id} data-here={view.query === query}>
                  <button
                    type="button"
                    onClick={() => {
                      void navigate({ pathname, search: view.query });
                      close();
                    }}
                  >
                    {view.name}
                    {!view.own && <small>{t("views.shared", { who: view.by })}</small>}
                  </button>
                  {view.own && (
                    <Button
                      type="text"
                      size="small"
                      icon={<Icon name="trash" size={16} />}
                      aria-label={t("views.delete", { name: view.name })}
                      onClick={() => remove.mutate({ params: { path: { id: view.id } } })}
                    />
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) save.mutate({ body: { page, name: name.trim(), query, shared } });
        }}
      >
        <Input value={name} maxLength={100} aria-label={t("views.name")} placeholder={t("views.name")} onChange={(event) => setName(event.target.value)} />
        {may && (
          <Checkbox checked={shared} onChange={(event) => setShared(event.target.checked)}>
            {t("views.share")}
          </Checkbox>
        )}
        <Button htmlType="submit" disabled={!name.trim()} loading={save.isPending}>
          {t("views.save")}
        </Button>
        {(save.error ?? remove.error) && <FailureLine error={save.error ?? remove.error} />}
      </form>
    </div>
  );
}
