import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  AxisPointerComponent,
  DataZoomInsideComponent,
  GridComponent,
  LegendPlainComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useMemo, useRef } from "react";

import { COLOURS, type Colours, FONT } from "../lib/theme";
import { STILL, usePreferences } from "../lib/preferences";
import css from "./chart.module.css";
import type { ChartOption, ChartProps } from "./Chart";

echarts.use([
  BarChart,
  CustomChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  AxisPointerComponent,
  DataZoomInsideComponent,
  GridComponent,
  LegendPlainComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  LabelLayout,
  CanvasRenderer,
]);

/** The shared look: the first colour is "this crowd", the second "everybody". */
function look(c: Colours, dark: boolean) {
  const text = { color: c["ink-2"], fontFamily: FONT, fontSize: 12 };
  const label = { ...text, textBorderWidth: 0 };
  const axis = {
    axisLine: { lineStyle: { color: c["line-strong"] } },
    axisTick: { show: false },
    axisLabel: { color: c["ink-3"], fontFamily: FONT, hideOverlap: true },
    nameTextStyle: { color: c["ink-3"], fontFamily: FONT },
    splitLine: { lineStyle: { color: c.line } },
  };
  return {
    color: [c.accent, c.everybody, c["accent-strong"], c["ink-3"], c.warn],
    darkMode: dark,
    backgroundColor: "transparent",
    textStyle: text,
    animationDuration: 240,
    animationDurationUpdate: 240,
    grid: { left: 8, right: 16, top: 24, bottom: 8, containLabel: true },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false } },
    timeAxis: { ...axis, splitLine: { show: false } },
    logAxis: axis,
    line: { symbol: "circle", symbolSize: 5, showSymbol: false, smooth: false, lineStyle: { width: 2 }, label, endLabel: label },
    bar: { barMaxWidth: 28, itemStyle: { borderRadius: [3, 3, 0, 0] }, label },
    scatter: { label },
    custom: { label },
    legend: { icon: "circle", itemWidth: 8, itemHeight: 8, textStyle: text, left: 0, top: 0 },
    tooltip: {
      // Rich text is drawn on the canvas: markup made from strings would be both unsafe and without its styles here.
      renderMode: "richText",
      confine: true,
      backgroundColor: c.raised,
      borderColor: c.line,
      borderWidth: 1,
      padding: [8, 12],
      textStyle: { color: c.ink, fontFamily: FONT, fontSize: 13 },
      axisPointer: { type: "line", lineStyle: { color: c["line-strong"] }, label: { backgroundColor: c["ink-3"] } },
    },
    markLine: { symbol: "none", lineStyle: { color: c["ink-3"], type: "dashed" }, label: { color: c["ink-3"], fontFamily: FONT } },
  };
}

export default function ChartCanvas({ label, option, height, onPick }: Omit<ChartProps, "table" | "height"> & { height: number }) {
  const { dark } = usePreferences();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts>(null);
  const pick = useRef(onPick);
  useEffect(() => {
    pick.current = onPick;
  }, [onPick]);
  const shown = useMemo<ChartOption>(() => ({ tooltip: { renderMode: "richText" }, animation: !STILL, ...option }), [option]);
  useEffect(() => {
    if (!place.current) return undefined;
    const made = echarts.init(place.current, look(COLOURS[dark ? "dark" : "light"], dark), { renderer: "canvas" });
    chart.current = made;
    made.on("click", (event) => pick.current?.({ series: event.seriesName ?? "", index: event.dataIndex, name: event.name }));
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, [dark]);
  useEffect(() => {
    chart.current?.setOption(shown, { notMerge: true });
  }, [shown, dark]);
  return <div ref={place} className={css["canvas"]} style={{ height }} role="img" aria-label={label} />;
}
