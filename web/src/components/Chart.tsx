import { Button } from "antd";
import type { EChartsCoreOption } from "echarts/core";
import { Component, lazy, type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";

import css from "./chart.module.css";
import { Icon } from "./Icon";
import { Failure, Loading } from "./States";

const Canvas = lazy(() => import("./ChartCanvas"));

export type ChartOption = EChartsCoreOption;

export interface ChartProps {
  /** What the chart says, in a sentence: for those who do not see it. */
  label: string;
  /** An ECharts option without colours: the shared theme has them. Keep it in useMemo. */
  option: ChartOption;
  height?: number;
  /** The same as rows, for those who would rather read: a switch appears. */
  table?: { heads: readonly string[]; rows: readonly (readonly ReactNode[])[] };
  /** What a click on a datum does: its series' name, its index and its value. */
  onPick?: (datum: { series: string; index: number; name: string }) => void;
}

/** A chart in the shared look; its library loads when the first one is shown. */
export function Chart({ label, option, height = 240, table, onPick }: ChartProps) {
  const { t } = useTranslation();
  const [rows, setRows] = useState(false);
  return (
    <figure className={css["figure"]}>
      {table && (
        <div className={css["switch"]}>
          <Button size="small" type="text" aria-pressed={rows} icon={<Icon name={rows ? "analysis" : "menu"} size={16} />} onClick={() => setRows(!rows)}>
            {rows ? t("chart.chart") : t("chart.table")}
          </Button>
        </div>
      )}
      {rows && table ? (
        <div className={css["rows"]} style={{ maxHeight: height }}>
          <table>
            <caption className="unseen">{label}</caption>
            <thead>
              <tr>
                {table.heads.map((head, index) => (
                  <th key={index} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Guard>
          <Suspense fallback={<div style={{ height }}><Loading shape="chart" rows={Math.max(1, Math.floor(height / 60))} /></div>}>
            <Canvas label={label} option={option} height={height} onPick={onPick} />
          </Suspense>
        </Guard>
      )}
    </figure>
  );
}

/** A chart that breaks takes nothing else with it. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error ? <Failure small error={this.state.error} retry={() => this.setState({ error: null })} /> : this.props.children;
  }
}
