import { expect, test } from "vitest";

import { channelsOf, saidChannels } from "./channels";

test("one channel, or the best of several, is read as it is said", () => {
  expect(channelsOf("sms")).toEqual(["sms"]);
  expect(channelsOf("best of [sms, email]")).toEqual(["sms", "email"]);
  expect(channelsOf("best of email, wechat")).toEqual(["email", "wechat"]);
  expect(channelsOf("")).toEqual(["email"]);
  expect(saidChannels(["sms", "email"])).toBe("best of [sms, email]");
  expect(saidChannels(["push"])).toBe("push");
});
