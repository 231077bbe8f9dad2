"use strict";
(() => {
  const chinese = (navigator.language || "zh").toLowerCase().startsWith("zh");
  const WORDS = chinese
    ? { tasks: "待办", give: "打标签", tag: "标签", value: "值", save: "保存", tags: "标签与画像", audiences: "所在人群",
        done: "完成", none: "清除", yes: "是", no: "否", saved: "已保存", since: "首次出现", late: "已超时", until: "截止",
        outside: "请在企业微信的客户聊天侧边栏中打开。", anonymous: "未命名客户", empty: "还没有标签。" }
    : { tasks: "To do", give: "Give a tag", tag: "Tag", value: "Value", save: "Save", tags: "Tags", audiences: "Audiences",
        done: "Done", none: "Take back", yes: "Yes", no: "No", saved: "Saved", since: "First seen", late: "late", until: "until",
        outside: "Open this beside a customer's chat in WeCom.", anonymous: "Unnamed customer", empty: "No tags yet." };
  const byId = (id) => document.getElementById(id);
  const made = (name, text, more) => Object.assign(document.createElement(name), { textContent: text }, more);
  const titleOf = (item) => item.titles[chinese ? "zh" : "en"] || item.titles[""] || Object.values(item.titles)[0] || item.key || item.name;
  document.documentElement.lang = chinese ? "zh-CN" : "en";
  document.title = chinese ? "客户画像" : "Customer";
  for (const place of document.querySelectorAll("[data-word]")) place.textContent = WORDS[place.dataset.word];
  let customer = new URLSearchParams(location.search).get("customer") || "";

  function say(text) {
    const said = byId("said");
    said.textContent = text;
    said.hidden = !text;
  }

  async function ask(path, body) {
    const answer = await fetch("/wecom/sidebar/" + path, body === undefined ? {} : {
      method: "POST",
      headers: { "content-type": "application/json", "x-limner-sidebar": "1" },
      body: JSON.stringify(body),
    });
    const found = await answer.json();
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(found.message);
    return found;
  }

  function spoken(value) {
    if (value === true) return WORDS.yes;
    if (value === false) return WORDS.no;
    return Array.isArray(value) ? value.join("、") : String(value);
  }

  function fill(id, rows, make) {
    const place = byId(id).querySelector("ul, dl");
    place.replaceChildren(...rows.flatMap(make));
    byId(id).hidden = rows.length === 0;
  }

  function field(tag) {
    const values = tag.type === "flag" ? ["true", "false"] : tag.values;
    const names = { true: WORDS.yes, false: WORDS.no };
    const input = values.length ? document.createElement("select") : made("input", "", { maxLength: 200 });
    if (values.length) {
      input.append(...["", ...values].map((value) => made("option", value === "" ? WORDS.none : names[value] || value, { value })));
    }
    input.id = "value";
    byId("field").replaceChildren(input);
  }

  async function show() {
    const found = await ask("customer?id=" + encodeURIComponent(customer));
    say("");
    byId("who").hidden = false;
    byId("name").textContent = found.name || WORDS.anonymous;
    byId("seen").textContent = found.first_seen ? WORDS.since + " " + new Date(found.first_seen).toLocaleDateString() : "";
    fill("tags", found.tags, (tag) => [made("dt", titleOf(tag)), made("dd", spoken(tag.value))]);
    fill("audiences", found.audiences, (one) => [made("li", titleOf(one))]);
    fill("tasks", found.tasks, (task) => {
      const row = made("li", "");
      const button = made("button", WORDS.done, { type: "button" });
      button.addEventListener("click", () => act(() => ask("done", { id: task.id })));
      row.append(made("span", task.text, { className: task.late ? "late" : "" }), button);
      return [row];
    });
    byId("give").hidden = found.may.length === 0;
    const select = byId("tag");
    const chosen = select.value;
    select.replaceChildren(...found.may.map((tag) => made("option", titleOf(tag), { value: tag.key })));
    if (found.may.some((tag) => tag.key === chosen)) select.value = chosen;
    const one = () => found.may.find((tag) => tag.key === select.value);
    if (one()) field(one());
    select.onchange = () => field(one());
  }

  async function act(work) {
    try {
      await work();
      await show();
      say(WORDS.saved);
    } catch (error) {
      say(error.message);
    }
  }

  byId("give").querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => ask("tags", { customer, tag: byId("tag").value, value: byId("value").value }));
  });

  function script(source) {
    return new Promise((resolve, reject) => {
      const place = made("script", "", { src: source, onload: resolve, onerror: reject });
      document.head.append(place);
    });
  }

  async function openChat() {
    await script("https://res.wx.qq.com/open/js/jweixin-1.2.0.js");
    await script("https://res.wx.qq.com/wwopen/js/jwxwork-1.0.0.js");
    const url = location.href.split("#")[0];
    const signed = await ask("signature?url=" + encodeURIComponent(url));
    const common = { timestamp: Number(signed.timestamp), nonceStr: signed.nonce, jsApiList: ["getCurExternalContact"] };
    await new Promise((resolve, reject) => {
      wx.config({ ...common, beta: true, debug: false, appId: signed.corp_id, signature: signed.signature });
      wx.ready(resolve);
      wx.error((said) => reject(new Error(said.errMsg)));
    });
    await new Promise((resolve, reject) => {
      wx.agentConfig({ ...common, corpid: signed.corp_id, agentid: signed.agent_id, signature: signed.agent_signature,
        success: resolve, fail: (said) => reject(new Error(said.errMsg)) });
    });
    return new Promise((resolve, reject) => {
      wx.invoke("getCurExternalContact", {}, (said) => said.err_msg === "getCurExternalContact:ok" ? resolve(said.userId) : reject(new Error(said.err_msg)));
    });
  }

  (async () => {
    try {
      if (!customer) customer = await openChat().catch(() => "");
      if (!customer) { say(WORDS.outside); return; }
      await show();
    } catch (error) {
      say(error.message);
    }
  })();
})();
