import { answer, api } from "../../lib/api";
import type { CampaignShown, Fields } from "./words";

export interface DraftState {
  fields: Fields;
  /** The file's text as it stands, or as somebody types it. */
  text: string;
  problems: CampaignShown["problems"];
  /** The next instants of the schedule. */
  next: readonly string[];
  /** refused: what was entered cannot be saved as it is (see problems). failed: saving did not work (see error). */
  saving: "saved" | "waiting" | "saving" | "refused" | "failed";
  error: unknown;
}

const PAUSE = 700;

/** A campaign's file while it is edited: each change is saved a moment later, one after the other. */
export class Draft {
  readonly name: string;
  private readonly onSaved: () => void;
  private state: DraftState;
  private saved: string;
  private etag: string;
  private patch: Partial<Fields> = {};
  private typed: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    name: string,
    given: { fields: Fields; text: string; etag: string; problems: CampaignShown["problems"]; next: readonly string[] },
    onSaved: () => void,
  ) {
    this.name = name;
    this.onSaved = onSaved;
    this.saved = given.text;
    this.etag = given.etag;
    this.state = { fields: given.fields, text: given.text, problems: given.problems, next: given.next, saving: "saved", error: null };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (): DraftState => this.state;

  /** Changes fields of the form. */
  readonly change = (patch: Partial<Fields>): void => {
    this.patch = { ...this.patch, ...patch };
    this.set({ fields: { ...this.state.fields, ...patch }, saving: "waiting" });
    this.later();
  };

  /** Changes the text itself. */
  readonly type = (text: string): void => {
    this.typed = text;
    this.set({ text, saving: "waiting" });
    this.later();
  };

  /** Saves what waits, at once; whether everything is saved. */
  readonly flush = async (): Promise<boolean> => {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (Object.keys(this.patch).length > 0 || this.typed !== null) {
      this.running = this.save();
      await this.running;
      this.running = null;
    }
    return this.state.saving === "saved";
  };

  /** Takes the last saved edit back. */
  readonly undo = async (): Promise<void> => {
    await this.flush();
    const path = { kind: "campaigns", name: this.name };
    await answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path } }));
    const found = await answer(api.GET("/api/v1/campaigns/{name}", { params: { path: { name: this.name } } }));
    if (!found.fields || found.text === null || found.etag === null) return;
    this.saved = found.text;
    this.etag = found.etag;
    this.set({ fields: found.fields, text: found.text, problems: found.problems, next: found.next, saving: "saved", error: null });
    this.onSaved();
  };

  private waiting(): { patch: Partial<Fields>; typed: string | null } {
    return { patch: this.patch, typed: this.typed };
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), PAUSE);
  }

  private set(change: Partial<DraftState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }

  private async save(): Promise<void> {
    const { patch, typed, name } = this;
    this.patch = {};
    this.typed = null;
    this.set({ saving: "saving", error: null });
    try {
      const made =
        typed === null
          ? await answer(api.POST("/api/v1/campaigns/text", { body: { name, text: this.saved, fields: patch } }))
          : { ...(await answer(api.POST("/api/v1/campaigns/form", { body: { name, text: typed } }))), text: typed };
      if (!made.fields || made.problems.length > 0) {
        this.patch = { ...patch, ...this.patch };
        this.set({ problems: made.problems, next: made.next, saving: "refused", ...(typed === null ? {} : { text: typed }) });
        return;
      }
      if (made.text !== this.saved) {
        const kept = await answer(
          api.PUT("/api/v1/definitions/{kind}/{name}", {
            params: { path: { kind: "campaigns", name } },
            headers: { "If-Match": `"${this.etag}"` },
            body: { text: made.text },
          }),
        );
        this.saved = kept.text;
        this.etag = kept.etag;
      }
      // Somebody may have typed on meanwhile.
      const { patch: more, typed: longer } = this.waiting();
      this.set({
        fields: { ...made.fields, ...more },
        text: longer ?? this.saved,
        problems: [],
        next: made.next,
        saving: Object.keys(more).length > 0 || longer !== null ? "waiting" : "saved",
      });
      this.onSaved();
    } catch (error) {
      this.patch = { ...patch, ...this.patch };
      this.typed = this.waiting().typed ?? typed;
      this.set({ saving: "failed", error });
    }
  }
}
