const FILE = /@rc-component\/util\/es\/Dom\/dynamicCSS\.js$/;
const BEFORE = "styleNode.nonce = csp?.nonce;";
const PLACE = "if (csp?.nonce) {";
const NONCE = `document.querySelector('meta[property="csp-nonce"]')?.nonce`;

/**
 * A Vite plugin: style sheets that antd's helpers make at run time carry the page's nonce.
 *
 * Where scroll bars are measured or locked, the helper is called without the nonce of ConfigProvider, and the page's
 * policy would refuse the style sheet. When its text changes so that this finds nothing to mend, the build fails.
 */
export function nonced() {
  return {
    name: "limner-nonced",
    apply: "build",
    transform: {
      filter: { id: FILE },
      handler(code) {
        if (!code.includes(BEFORE) || !code.includes(PLACE)) {
          throw new Error("@rc-component/util makes style sheets in another way now: see web/scripts/nonced.mjs");
        }
        return code.replace(PLACE, `const pageNonce = csp?.nonce || ${NONCE};\n  if (pageNonce) {`).replace(BEFORE, "styleNode.nonce = pageNonce;");
      },
    },
  };
}
