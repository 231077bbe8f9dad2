import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { FailureLine } from "../../components/States";
import { answer, api, once } from "../../lib/api";
import { asProblem } from "../../lib/problem";

const TRIES = 60;
const PAUSE = 250;

/**
 * Stops sending: no further message leaves within a second. It does not ask first; going on is one click as well.
 * `beginning`: sending was asked for just now, and there may be nothing to stop for another moment.
 */
export function StopButton({ name, entry = "", beginning = false }: { name: string; entry?: string; beginning?: boolean }) {
  const { t } = useTranslation("marketing");
  const client = useQueryClient();
  const [stopping, setStopping] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const stop = async () => {
    setStopping(true);
    setError(null);
    for (let left = beginning ? TRIES : 1; left > 0; left -= 1) {
      try {
        await answer(api.POST("/api/v1/campaigns/{name}/stop", { params: { path: { name } }, body: { entry }, headers: once() }));
        break;
      } catch (problem) {
        if (asProblem(problem).status !== 404 || left === 1) {
          setError(problem);
          setStopping(false);
          break;
        }
        await new Promise((done) => setTimeout(done, PAUSE));
      }
    }
    await client.invalidateQueries({ queryKey: ["campaigns"] });
  };
  return (
    <>
      <Button danger icon={<Icon name="stop" />} disabled={stopping} onClick={() => void stop()}>
        {stopping ? t("send.stopping") : t("send.stop")}
      </Button>
      {error !== null && <FailureLine error={error} />}
    </>
  );
}
