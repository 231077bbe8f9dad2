/** Code that sends events to this server, ready to paste. */
export interface Snippet {
  key: string;
  title: string;
  text: string;
}

export function snippetsOf(origin: string, key: string, titles: { web: string; webPlain: string }): Snippet[] {
  const [, protocol = "https", host = ""] = /^(https?):\/\/(.*)$/.exec(origin) ?? [];
  return [
    {
      key: "web",
      title: titles.web,
      text: `// npm install @segment/analytics-next
import { AnalyticsBrowser } from "@segment/analytics-next";

const analytics = AnalyticsBrowser.load(
  { writeKey: "${key}", cdnURL: "${origin}" },
  { integrations: { "Segment.io": { apiHost: "${host}/v1", protocol: "${protocol}" } } },
);

analytics.page();
analytics.identify("user-1", { email: "ann@example.com" });
analytics.track("Order Paid", { amount: 30.5, category: "green tea" });`,
    },
    {
      key: "plain",
      title: titles.webPlain,
      text: `<script>
  const device = (localStorage.device ??= crypto.randomUUID());
  const track = (event, properties = {}) =>
    fetch("${origin}/v1/track", {
      method: "POST",
      keepalive: true,
      body: JSON.stringify({
        writeKey: "${key}",
        anonymousId: device,
        event,
        properties,
        timestamp: new Date().toISOString(),
        sentAt: new Date().toISOString(),
      }),
    });
  track("Page Viewed", { path: location.pathname });
</script>`,
    },
    {
      key: "python",
      title: "Python",
      text: `# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = "${key}"
analytics.host = "${origin}"

analytics.identify("user-1", {"email": "ann@example.com"})
analytics.track("user-1", "Order Paid", {"amount": 30.50, "category": "green tea"})
analytics.flush()`,
    },
    {
      key: "node",
      title: "Node",
      text: `// npm install @segment/analytics-node
import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({ writeKey: "${key}", host: "${origin}" });

analytics.identify({ userId: "user-1", traits: { email: "ann@example.com" } });
analytics.track({ userId: "user-1", event: "Order Paid", properties: { amount: 30.5 } });
await analytics.closeAndFlush();`,
    },
    {
      key: "curl",
      title: "curl",
      text: `curl -u "${key}:" ${origin}/v1/track \\
  -d '{"userId": "user-1", "event": "Order Paid", "properties": {"amount": 30.5}}'`,
    },
  ];
}
