import "dayjs/locale/zh-cn";

import { QueryClientProvider } from "@tanstack/react-query";
import { App as Antd, ConfigProvider } from "antd";
import en from "antd/locale/en_GB";
import zh from "antd/locale/zh_CN";
import dayjs from "dayjs";
import { Suspense, use, useEffect, useMemo, useState } from "react";
import { RouterProvider } from "react-router/dom";

import { makeQueryClient } from "../lib/api";
import { beginTexts } from "../lib/i18n";
import { STILL, usePreferences } from "../lib/preferences";
import { NONCE, themeOf } from "../lib/theme";
import { makeRouter } from "./pages";

const ready = beginTexts();

/** The application for whoever is signed in. */
export default function App() {
  use(ready);
  const { language, dark } = usePreferences();
  const [client] = useState(makeQueryClient);
  const [router] = useState(makeRouter);
  const theme = useMemo(() => themeOf(dark, STILL), [dark]);
  useEffect(() => {
    dayjs.locale(language === "zh" ? "zh-cn" : "en");
  }, [language]);
  useEffect(() => () => router.dispose(), [router]);
  return (
    <ConfigProvider theme={theme} locale={language === "zh" ? zh : en} csp={{ nonce: NONCE }} button={{ autoInsertSpace: false }}>
      <Antd message={{ maxCount: 3 }} notification={{ placement: "bottomRight", maxCount: 3 }}>
        <QueryClientProvider client={client}>
          <Suspense>
            <RouterProvider router={router} />
          </Suspense>
        </QueryClientProvider>
      </Antd>
    </ConfigProvider>
  );
}
