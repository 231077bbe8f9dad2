import type { Plugin } from "vite";

export function nonced(): Plugin;
