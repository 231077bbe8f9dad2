import { QueryObserver } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";

vi.mock("./session", () => ({ expired: () => undefined, session: () => null }));
const { makeQueryClient } = await import("./api");

/** A list that is being asked for; `answers` ends the questions in the order in which they were asked. */
function asked(data?: string) {
  const client = makeQueryClient();
  if (data !== undefined) client.setQueryData(["tags"], data, { updatedAt: 0 });
  const waiting: ((answer: string) => void)[] = [];
  const queryFn = () => new Promise<string>((resolve) => waiting.push(resolve));
  const list = new QueryObserver(client, { queryKey: ["tags"], queryFn });
  const seen: (string | undefined)[] = [];
  const leave = list.subscribe(({ data }) => seen.push(data));
  const answers = async (...given: string[]) => {
    for (const [place, answer] of given.entries()) {
      await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(place));
      waiting[place]?.(answer);
    }
    await vi.waitFor(() => expect(list.getCurrentResult().fetchStatus).toBe("idle"));
  };
  return { client, list, waiting, seen, answers, leave };
}

it.each([undefined, "long ago"])("what was asked before a change and not yet answered is asked again (known: %s)", async (known) => {
  const { client, list, seen, answers, leave } = asked(known);
  const changed = client.invalidateQueries({ queryKey: ["tags"] });
  await answers("before", "after");
  await changed;
  expect(list.getCurrentResult().data).toBe("after");
  expect(seen).not.toContain("before");
  leave();
});

it("a form that is being filled keeps its question, whatever else is asked anew", async () => {
  const { client, list, waiting, answers, leave } = asked();
  await client.invalidateQueries({ queryKey: ["tags"], refetchType: "none" });
  await client.invalidateQueries({ queryKey: ["people"] });
  await answers("the first");
  expect(waiting.length).toBe(1);
  expect(list.getCurrentResult().data).toBe("the first");
  leave();
});
