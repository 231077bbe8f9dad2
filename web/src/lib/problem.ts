/** What the server refused, or could not do: always with what happened, and with what to do where that is known. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  /** Which argument or place it is about. */
  readonly path: string;
  readonly requestId: string;
  /** When it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    { code = "unknown", status = 0, path = "", requestId = "", retryAfter }: Partial<Omit<Problem, keyof Error>> = {},
  ) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.path = path;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }

  /** The server was not reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

/** The problem that an answer tells of. */
export async function problemOf(response: Response): Promise<Problem> {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const told = {
    status: response.status,
    requestId: response.headers.get("x-request-id") ?? "",
    retryAfter: Number.isFinite(seconds) ? seconds : undefined,
  };
  const said: unknown = await response.json().catch(() => null);
  if (typeof said === "object" && said !== null && "message" in said && typeof said.message === "string") {
    const at = (name: string): string => {
      const value: unknown = Reflect.get(said, name);
      return typeof value === "string" ? value : "";
    };
    return new Problem(said.message, {
      ...told,
      code: at("code") || "unknown",
      path: at("path"),
      requestId: at("request_id") || told.requestId,
    });
  }
  return new Problem(`HTTP ${response.status}`, { ...told, code: `http_${response.status}` });
}

/** Any thrown thing as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) return new Problem("", { code: "offline" });
  return new Problem(error instanceof Error ? error.message : String(error), { code: "page", status: -1 });
}
