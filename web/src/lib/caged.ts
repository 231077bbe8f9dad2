/** Stands for a picture that would be loaded from elsewhere. */
const PLACEHOLDER = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30" fill="#e7e4e0"/><path d="M8 23l8-9 6 6 4-4 6 7z" fill="#a8a29b"/></svg>',
)}`;

const COMMENT = /<!--[\s\S]*?(?:-->|$)/g;
const SHEET = /<style\b[^>]*>([\s\S]*?)(?:<\/style\s*>|$)/gi;
const TAG = /<([a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?/g;
const STYLED = "data-own-style";

export interface Parted {
  /** The markup without style sheets; what was in `style` is in `data-own-style`, handlers are gone. */
  markup: string;
  /** What was in its style sheets. */
  sheets: string[];
}

/** Markup parted so that parsing it offends no policy: a browser complains of an inline style before it can be moved. */
export function part(html: string): Parted {
  const sheets: string[] = [];
  const plain = html.replace(COMMENT, "").replace(SHEET, (_, content: string) => {
    sheets.push(content);
    return "";
  });
  const markup = plain.replace(TAG, (_, name: string, attributes: string) => {
    const kept = attributes.replace(ATTRIBUTE, (whole, key: string, value: string | undefined) => {
      if (/^on/i.test(key)) return "";
      return /^style$/i.test(key) ? `${STYLED}${value ?? ""}` : whole;
    });
    return `<${name}${kept}>`;
  });
  return { markup, sheets };
}

/**
 * A mail's markup as it can stand in a sandboxed frame under this page's policy.
 *
 * Inline styles become rules of a style sheet that carries the nonce. What would run or load from elsewhere is taken
 * out; the frame's sandbox and the policy refuse it anyway, and would say so in the console.
 */
export function caged(html: string, nonce: string): string {
  const { markup, sheets } = part(html);
  const page = new DOMParser().parseFromString(markup, "text/html");
  page.querySelectorAll("script, iframe, object, embed, link, base, meta, form, audio, video, svg").forEach((item) => item.remove());
  const rules = sheets.map(local);
  page.querySelectorAll("*").forEach((item) => {
    ["srcset", "background"].forEach((name) => item.removeAttribute(name));
    const style = item.getAttribute(STYLED);
    if (style !== null) {
      item.setAttribute(STYLED, String(rules.length));
      // As strong as an inline style: five times the same attribute outweighs every usual selector.
      rules.push(`${`[${STYLED}="${rules.length}"]`.repeat(5)}{${local(style)}}`);
    }
    const source = item.getAttribute("src");
    if (source !== null && !source.startsWith("data:")) item.setAttribute("src", PLACEHOLDER);
    if (item.tagName === "A" && item.hasAttribute("href")) {
      item.setAttribute("title", item.getAttribute("href") ?? "");
      item.setAttribute("href", "#");
    }
  });
  return `<!doctype html><html><head><style nonce="${nonce}">${rules.join("\n").replaceAll("</", "")}</style></head>${page.body.outerHTML}</html>`;
}

/** The style without what it would load from elsewhere. */
function local(style: string): string {
  return style.replace(/@import[^;]*;?/gi, "").replace(/url\(\s*(['"]?)(?!['"]?data:)[^)]*\)/gi, "none");
}
