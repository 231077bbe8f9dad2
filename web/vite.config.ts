import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { compress } from "./scripts/compress.mjs";
import { nonced } from "./scripts/nonced.mjs";

/** Where `npm run dev` finds the API: `limner serve --port 8080`. */
const API = process.env["LIMNER_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), nonced(), compress()],
  // The server writes a fresh nonce over this word in every index.html that it sends.
  html: { cspNonce: "LIMNER-NONCE" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: ["chrome111", "edge111", "firefox114", "safari16.4"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    manifest: "manifest.json",
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": API, "/v1": API, "/health": API, "/version": API } },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
