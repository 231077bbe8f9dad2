/**
 * What a browser loads, in kB gzip: at sign-in, and at the first page (all that the overview needs but the lazy charts).
 * `node scripts/sizes.mjs [folder]`; with `--check` it fails above the limits.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMITS = { "sign-in": 150, "first page": 400 };
const folder = process.argv.slice(2).find((word) => !word.startsWith("-")) ?? "../src/limner/api/ui";
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

/** A chunk and all that it imports at once. */
function reached(keys, found = new Set()) {
  for (const key of keys) {
    if (found.has(key)) continue;
    found.add(key);
    reached(manifest[key]?.imports ?? [], found);
  }
  return found;
}

function size(keys) {
  const files = new Set(["index.html"]);
  for (const key of keys) {
    files.add(manifest[key].file);
    (manifest[key].css ?? []).forEach((file) => files.add(file));
  }
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length, 0) / 1000;
}

/** The module of the page that stands first: the overview's, or the navigation's first. */
function firstPage() {
  const pages = Object.keys(manifest).filter((key) => /^src\/features\/overview\/[A-Z]\w*\.tsx$/.test(key) && manifest[key].isDynamicEntry);
  const texts = Object.keys(manifest).filter((key) => /^src\/(app|components|features\/overview)\/zh\.ts$/.test(key));
  return [...pages, ...texts];
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const first = reached([entry, "src/app/App.tsx", ...firstPage()]);
const sizes = { "sign-in": size(reached([entry])), shell: size(reached([entry, "src/app/App.tsx"])), "first page": size(first) };
if (!existsSync(join(folder, "index.html"))) throw new Error(`${folder} holds no built UI: make ui`);
for (const [name, value] of Object.entries(sizes)) {
  console.log(`${name.padEnd(12)} ${value.toFixed(1).padStart(6)} kB gzip${LIMITS[name] ? ` (limit ${LIMITS[name]})` : ""}`);
}
const over = Object.entries(LIMITS).filter(([name, limit]) => sizes[name] > limit);
if (process.argv.includes("--check") && over.length) {
  console.error(`too large: ${over.map(([name]) => name).join(", ")}`);
  process.exit(1);
}
