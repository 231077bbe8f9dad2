import { Button, Modal } from "antd";
import type { ReactNode } from "react";

import { Copy } from "../../components/Copy";
import css from "./settings.module.css";

/** A secret that is shown once: it goes away only when somebody says that it was kept. */
export function OneTime({ title, note, secret, done, close, children }: { title: string; note: string; secret: string; done: string; close: () => void; children?: ReactNode }) {
  return (
    <Modal
      open
      title={title}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={close}>
          {done}
        </Button>
      }
    >
      <p className={css["note"]}>{note}</p>
      <Copy text={secret} />
      {children}
    </Modal>
  );
}
