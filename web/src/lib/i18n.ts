import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

import { type Language, preferences, subscribe } from "./preferences";
import { loadSentences } from "./sentences";

/**
 * The namespaces and their keys. A folder adds its own beside its English texts:
 *
 *     declare module "../../lib/i18n" { interface Texts { people: typeof en } }
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface Texts {}

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: Texts;
    returnNull: false;
  }
}

export type Namespace = keyof Texts;

interface Loaded {
  default: object;
}
const folders = import.meta.glob<Loaded>(["../features/*/{en,zh}.ts", "../app/{en,zh}.ts", "../components/{en,zh}.ts"]);

const backend: BackendModule = {
  type: "backend",
  init() {
    // nothing to set up: the texts are modules of this application
  },
  read(language, namespace, done) {
    const place = namespace === "common" ? "components" : namespace === "app" ? "app" : `features/${namespace}`;
    const load = folders[`../${place}/${language}.ts`];
    if (!load) {
      done(new Error(`no texts of ${namespace} in ${language}`), false);
      return;
    }
    Promise.all([load(), namespace === "common" ? loadSentences(language) : undefined]).then(
      ([texts]) => done(null, texts.default as Record<string, string>),
      (error: unknown) => done(error as Error, false),
    );
  },
};

/** Begins with the language that was chosen, and follows when another is. */
export async function beginTexts(): Promise<void> {
  await i18next
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: preferences().language,
      supportedLngs: ["en", "zh"] satisfies Language[],
      fallbackLng: false,
      ns: ["common", "app"],
      defaultNS: "common",
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    });
  subscribe(() => {
    if (i18next.language !== preferences().language) void i18next.changeLanguage(preferences().language);
  });
}

/** Loads a feature's texts before its page is shown. */
export async function loadTexts(namespace: string): Promise<void> {
  await i18next.loadNamespaces(namespace);
}
