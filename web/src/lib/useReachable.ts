import { type RefObject, useEffect } from "react";

/** A table inside that is wider than its place can be reached, and so scrolled, with the keyboard. */
export function useReachable(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const content = frame.current?.querySelector<HTMLElement>(".ant-table-content");
    if (!content) return undefined;
    const watch = new ResizeObserver(() => {
      if (content.scrollWidth > content.clientWidth) content.tabIndex = 0;
      else content.removeAttribute("tabindex");
    });
    watch.observe(content);
    if (content.firstElementChild) watch.observe(content.firstElementChild);
    return () => watch.disconnect();
  });
}
