/** The kinds of channels that there are, as the server names them. */
export const CHANNELS = ["email", "wechat", "sms", "push", "miniprogram", "wecom", "apprise"] as const;

export type Channel = (typeof CHANNELS)[number];

/** The channel that a word names; e-mail where it names none. */
export function channelOf(word: string): Channel {
  return CHANNELS.find((channel) => channel === word) ?? "email";
}

/** The channels that a message's word names: one, or those of which each person's best is chosen. */
export function channelsOf(word: string): readonly Channel[] {
  const found = /^best of \[?([a-z, ]+)\]?$/.exec(word);
  if (!found) return [channelOf(word)];
  const named = (found[1] ?? "").split(",").map((one) => one.trim());
  return CHANNELS.filter((channel) => named.includes(channel)).sort((one, other) => named.indexOf(one) - named.indexOf(other));
}

/** As a file says it: one channel, or the best of several. */
export function saidChannels(channels: readonly Channel[]): string {
  return channels.length > 1 ? `best of [${channels.join(", ")}]` : (channels[0] ?? "email");
}
