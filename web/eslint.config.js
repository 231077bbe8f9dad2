import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import ts from "typescript-eslint";

const text =
  "Show text through React or the sandboxed <Preview>; markup made from strings is how other people's scripts get in.";

export default defineConfig([
  globalIgnores(["dist/", "node_modules/", "src/lib/schema.d.ts"]),
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [ts.configs.strictTypeChecked, hooks.configs.flat.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false, properties: false } }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: text },
        { selector: "Property[key.name='dangerouslySetInnerHTML']", message: text },
        { selector: "AssignmentExpression[left.property.name=/^(inner|outer)HTML$/]", message: text },
        { selector: "CallExpression[callee.property.name='insertAdjacentHTML']", message: text },
      ],
      "no-restricted-globals": ["error", { name: "alert", message: "Use App.useApp().modal." }, "confirm", "prompt"],
    },
  },
  {
    files: ["src/main.tsx", "src/signin/**", "src/lib/session.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["antd", "antd/*", "echarts*", "i18next", "react-i18next"], message: "Sign-in stays small." }] },
      ],
    },
  },
  {
    files: ["scripts/**", "*.config.js"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly", Buffer: "readonly" } },
  },
]);
