/** The kinds of channels that there are, as the server names them. */
export const CHANNELS = ["email", "wechat", "sms", "push", "miniprogram"] as const;

export type Channel = (typeof CHANNELS)[number];

/** The channel that a word names; e-mail where it names none. */
export function channelOf(word: string): Channel {
  return CHANNELS.find((channel) => channel === word) ?? "email";
}
