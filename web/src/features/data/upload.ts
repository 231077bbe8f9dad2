import { type Answer, answer, api } from "../../lib/api";

export type Uploaded = Answer<"/api/v1/uploads", "post">;

/** Sends a file; the answer names the upload, which is kept for a day. */
export function upload(file: File): Promise<Uploaded> {
  return answer(
    api.POST("/api/v1/uploads", {
      params: { query: { name: file.name } },
      body: file as unknown as string,
      bodySerializer: (body) => body as unknown as BodyInit,
      headers: { "content-type": "application/octet-stream" },
    }),
  );
}
