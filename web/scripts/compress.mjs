import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const squeezed = [
  [".br", (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })],
  [".gz", (bytes) => promisify(gzip)(bytes, { level: 9 })],
];

/** A Vite plugin: puts a `.br` and a `.gz` beside every text asset, which the server sends as they are. */
export function compress() {
  return {
    name: "limner-compress",
    apply: "build",
    async writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => /^assets\/.*\.(js|css|svg|json)$/.test(file))) {
        const bytes = await readFile(join(dir, name));
        if (bytes.length < 1_000) continue;
        for (const [ending, squeeze] of squeezed) await writeFile(join(dir, name + ending), await squeeze(bytes));
      }
    },
  };
}
