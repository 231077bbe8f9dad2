import type { Language } from "./preferences";
import { chineseOf } from "./sentences";

/**
 * What the server refused, in Chinese, by the code of its answer; `{{name}}` is the first name that it quotes. The
 * server's own sentence is English: it stands where there is no other, and in a title where it says more.
 */
const CHINESE: Readonly<Record<string, string>> = {
  read_only: "此处的定义为只读，请在 git 中修改。",
  edited: "内容已被他人修改，请重新查看后再保存。",
  precondition_required: "请说明要替换的是哪一版内容。",
  not_in_force: "“{{name}}”未生效：它是草稿、有错误，或新内容尚待批准。",
  not_computed: "标签“{{name}}”尚未计算。",
  not_published: "“{{name}}”尚未发布。",
  not_accurate: "“{{name}}”的准确率低于文件中的要求，未发布。",
  not_learned: "还没有权重：请先学习，或将阶段设为草稿。",
  not_cut: "还没有分档点：请先计算，或将阶段设为草稿。",
  not_enough_data: "数据不足，无法给出可靠的结论。",
  not_over: "该日期之后的观察期尚未结束。",
  no_plan: "“{{name}}”不是有效的发布计划，请重新查看。",
  other_tags: "该计划针对的是其他标签，请重新查看。",
  definitions_changed: "制定计划之后定义又有修改，请重新查看。",
  publication_changed: "制定计划之后又发布过标签，请重新查看。",
  applied: "这一版内容已经生效。",
  decided: "该申请已有决定。",
  no_approvals: "本工作区的标签无需批准。",
  needs_approval: "人数超过上限，须由另一人批准。",
  same_person: "不能批准自己编写或提交的内容，须由另一人决定。",
  deprecated: "“{{name}}”已弃用，不能再新增引用。",
  draft: "“{{name}}”是草稿，不参与计算。",
  no_validity: "会变化的标签须填写有效期或例行更新时间。",
  no_truth: "“{{name}}”未指定真值标签。",
  outside_scene: "现在不在所属场景的日期内。",
  in_use: "“{{name}}”仍被引用，不能删除。",
  inside_itself: "不能移动到自身之内。",
  unfit: "该版本已不适用于现在的定义。",
  nothing_left: "该批次已无可撤销的内容：已撤销过，或取值又有变化。",
  hidden: "“{{name}}”的取值属于个人信息，你的角色看不到。",
  sensitive: "“{{name}}”为敏感标签，你的角色不能导出。",
  no_tags: "还没有发布任何标签。",
  empty_crowd: "这个人群没有用户。",
  no_data: "还没有可用于人群的数据。",
  missing_unsubscribe: "营销邮件必须提供退订链接 unsubscribe_url。",
  wrong_credentials: "账号或密码错误。",
  weak_password: "新密码不够安全，请换用多个互不相关的词。",
  last_admin: "“{{name}}”是最后一位可登录的管理员，不能执行此操作。",
  needs_user: "仅登录的用户才有会话和密码。",
  bad_cursor: "翻页位置无效，请从头查看。",
  key_reused: "该请求标识已用于另一请求。",
  in_progress: "相同的请求仍在处理中，请稍候。",
  overloaded: "待写入的数据过多，请稍后重试。",
  unsupported_file: "不支持导入这种文件。",
  file_too_large: "文件超过大小上限。",
  empty_file: "文件或工作表是空的：没有表头行。",
  duplicate_column: "有两列同名：“{{name}}”。",
  too_many_columns: "列数超过上限。",
  unknown_sheet: "工作簿中没有工作表“{{name}}”。",
  unknown_column: "文件中没有列“{{name}}”。",
  missing_column: "文件中缺少列“{{name}}”。",
  ambiguous_date: "列“{{name}}”中的日期有多种读法，请指定格式。",
  bad_encoding: "无法用该编码读取文件。",
  bad_archive: "压缩文件已损坏或不完整。",
  load_failed: "导入的数据未能载入。",
  internal: "服务器出错，已记录。",
};

const QUOTED = /'([^']+)'/u;

/** What was refused, in the reader's language as far as that is known: its sentence, else what its code says. */
export function refusalIn({ code = "", message }: { code?: string; message: string }, language: Language): string {
  if (language !== "zh") return message;
  const said = chineseOf(message);
  if (said !== undefined) return said;
  const known = Object.hasOwn(CHINESE, code) ? CHINESE[code] : undefined;
  if (known === undefined) return message;
  if (!known.includes("{{name}}")) return known;
  const name = QUOTED.exec(message)?.[1];
  return name === undefined ? message : known.replace("{{name}}", () => name);
}
