import { beforeAll, expect, test } from "vitest";

import { refusalIn } from "./refusals";
import { learnSentences, saidIn } from "./sentences";
import known from "./sentences.json";

beforeAll(() => learnSentences(known));

test("why something is kept back is said in Chinese with its values", () => {
  expect(saidIn("cap reached: 2 in 7 days by sms of spring", "zh")).toBe("已达上限：“spring”经短信 7 天内 2 条");
  expect(saidIn("cap reached: 2 in 36 hours", "zh")).toBe("已达上限：36 小时内 2 条");
  expect(saidIn("cap reached: 1 in 1 day, as the person asked", "zh")).toBe("已达上限：1 天内 1 条（本人要求）");
  expect(saidIn("held: tag rich was never computed; audience buyers had 1,200 people at 2026-05-01 10:00 and has 3 now: moved by 99%, at most 50% is allowed", "zh")).toBe("已暂缓：标签“rich”从未计算过；人群“buyers”在 2026-05-01 10:00 有 1,200 人，现在 3 人：变动 99%，最多允许 50%");
  expect(saidIn("once did harm: 9 of 10 complained, surely more than 1.00%; at most 0.50% is allowed", "zh")).toBe("上次发送“once”：负面影响：10 人中 9 人投诉，可确定高于 1.00%；最多允许 0.50%");
  expect(saidIn("email: no address; sms: no consent", "zh")).toBe("邮件：没有地址；短信：未同意接收");
});

test("a mistake in an expression is said by its sentence, else by its code, else as it came", () => {
  expect(refusalIn({ code: "unknown_name", message: "unknown tag or attribute 'vipp'" }, "zh")).toBe("没有标签或属性“vipp”");
  expect(refusalIn({ code: "unknown_name", message: "unknown tag or attribute 'cityy' (did you mean city?)" }, "zh")).toBe("没有标签或属性“cityy”（是否为“city”？）");
  expect(refusalIn({ code: "type", message: "a text is no condition (compare it with something, or use known(…))" }, "zh")).toBe("文本不是条件（请与某个值比较，或使用 known(…)）");
  expect(refusalIn({ code: "type", message: "a number is not compared with a text" }, "zh")).toBe("数字不能与文本比较");
  expect(refusalIn({ code: "read_only", message: "this folder is read only" }, "zh")).toBe("此处的定义为只读，请在 git 中修改。");
  expect(refusalIn({ code: "new", message: "the moon has no such tag" }, "zh")).toBe("the moon has no such tag");
  expect(saidIn("550 5.1.1 no such mailbox; bye", "zh")).toBe("550 5.1.1 no such mailbox；bye");
  expect(saidIn("no address", "en")).toBe("no address");
});

test("every Chinese sentence fills in each value of the English one", () => {
  for (const [english, chinese] of Object.entries(known.sentences)) {
    const places = english.match(/\{\*?\}/g)?.length ?? 0;
    expect([...new Set(chinese.match(/\{\d\}/g) ?? [])].sort(), english).toEqual(Array.from({ length: places }, (_, at) => `{${at + 1}}`));
  }
});
