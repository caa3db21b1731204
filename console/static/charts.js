// Pictures of the pages, drawn by ECharts from the JSON that stands beside each of them. All words come with the data.
// Tool tips are drawn on the canvas (richText): HTML ones carry style attributes, which the content policy refuses.

const style = getComputedStyle(document.documentElement);
const named = (name) => style.getPropertyValue(name).trim();
const INK = named("--ink-2"), FAINT = named("--ink-3"), RULE = named("--rule"), ACCENT = named("--accent");
const GOOD = named("--good"), WARN = "#d59a3a", BAD = named("--bad"), INFO = "#5d8fc7", SUNK = named("--sunk");
const isNarrow = () => innerWidth < 760;

const usual = () => ({
  animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: INK },
  color: [ACCENT, INFO, WARN, BAD],
  tooltip: {
    renderMode: "richText", confine: true, backgroundColor: "#17211f", borderWidth: 0, padding: [8, 12],
    textStyle: { color: "#ffffff", fontSize: 13, lineHeight: 20 },
  },
});
const axisLine = { lineStyle: { color: RULE } };
const dayAxis = (days, more = {}) => ({
  type: "category", data: days.map((day) => `${day.name}\n${day.on}`), axisLine, axisTick: { show: false },
  axisLabel: { color: INK, fontSize: 11, lineHeight: 15, interval: "auto", hideOverlap: true }, ...more,
});
const countAxis = (more = {}) => ({
  type: "value", minInterval: 1, axisLabel: { color: FAINT }, splitLine: { lineStyle: { color: RULE } }, ...more,
});

const WAYS = {
  M: { symbol: "circle", size: 17, color: ACCENT },
  S: { symbol: "emptyCircle", size: 12, color: ACCENT },
  P: { symbol: "diamond", size: 13, color: INFO },
  W: { symbol: "triangle", size: 12, color: INFO },
  A: { symbol: "rect", size: 8, color: FAINT },
  I: { symbol: "emptyRect", size: 8, color: FAINT },
  K: { symbol: "roundRect", size: 9, color: FAINT },
  X: { symbol: "pin", size: 13, color: WARN },
};

function calendar(data) {
  const days = data.days;
  const rests = days.flatMap((day, at) => (day.off || (day.weekend && !day.make_up)
    ? [[{ xAxis: at, itemStyle: { color: day.off ? "#fdebe9" : SUNK }, name: day.off }, { xAxis: at }]] : []));
  const [from, until] = data.quiet;
  const quiet = [[{ yAxis: 0, name: data.words.quiet }, { yAxis: until }], [{ yAxis: from }, { yAxis: 24 }]]
    .map(([start, end]) => [{ ...start, itemStyle: { color: "#e9eeec" } }, end]);
  const shown = Object.entries(data.ways).filter(([way]) => data.marks.some((mark) => mark.way === way));
  const series = shown.map(([way, name], place) => ({
    type: "scatter", name, symbol: WAYS[way].symbol, symbolSize: WAYS[way].size, itemStyle: { color: WAYS[way].color },
    data: data.marks.filter((mark) => mark.way === way).map((mark) => ({
      value: [mark.day, mark.hour], mark,
      itemStyle: { opacity: mark.skipped ? 0.25 : 1 },
    })),
    label: {
      show: way === "M" && !isNarrow(), position: "right", formatter: (one) => one.data.mark.name.split(" ")[0],
      color: INK, fontSize: 11,
    },
    emphasis: { scale: 1.3 },
    z: way === "M" ? 5 : 3,
    ...(place === 0 ? { markArea: { silent: true, label: { color: FAINT, fontSize: 11, position: "insideTop" }, data: [...quiet, ...rests] } } : {}),
  }));
  const hours = data.marks.map((mark) => mark.hour);
  const base = usual();
  return {
    ...base,
    legend: { bottom: 0, itemWidth: 14, textStyle: { color: INK }, type: "scroll" },
    grid: { left: 46, right: 18, top: 14, bottom: 74 },
    tooltip: {
      ...base.tooltip,
      formatter: ({ data: { mark } }) => {
        const day = days[mark.day];
        return [`${day.name} ${day.on} ${day.weekday} ${mark.skipped ? "" : mark.at}`, mark.name,
          `${mark.who} · ${data.ways[mark.way]}`, mark.skipped || mark.shifts].filter(Boolean).join("\n");
      },
    },
    xAxis: dayAxis(days, { splitLine: { show: true, lineStyle: { color: RULE } }, boundaryGap: true }),
    yAxis: {
      type: "value", inverse: true, interval: 2,
      min: Math.max(0, Math.floor((Math.min(...hours, until) - 1) / 2) * 2),
      max: Math.min(24, Math.ceil((Math.max(...hours, from) + 1) / 2) * 2),
      axisLine, splitLine: { lineStyle: { color: RULE } },
      axisLabel: { color: FAINT, formatter: (hour) => `${String(hour).padStart(2, "0")}:00` },
    },
    series,
  };
}

function burden(data) {
  const bar = { type: "bar", stack: "all", barMaxWidth: 26 };
  const base = usual();
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis" }, legend: { bottom: 0, textStyle: { color: INK } },
    grid: { left: 34, right: 12, top: 14, bottom: 66 }, xAxis: dayAxis(data.days), yAxis: countAxis(),
    series: [
      { ...bar, name: data.words.sure, data: data.sure, itemStyle: { color: ACCENT } },
      { ...bar, name: data.words.optional, data: data.optional, itemStyle: { color: "#a9cfc4" } },
    ],
  };
}

function quota(data) {
  const base = usual();
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis" }, legend: { bottom: 0, textStyle: { color: INK } },
    grid: { left: 34, right: 12, top: 14, bottom: 66 }, xAxis: dayAxis(data.days), yAxis: countAxis({ min: 0 }),
    series: data.limits.map((name, at) => ({
      type: "line", step: "middle", symbolSize: 5, name, data: data.left[at], color: [ACCENT, INFO, WARN][at],
    })),
  };
}

function members(data) {
  const line = (name, column, color, more = {}) => ({
    type: "line", step: "end", name, showSymbol: data.points.length < 3, symbolSize: 6, color,
    data: data.points.map((row) => [row[0], row[column]]), ...more,
  });
  const base = usual();
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis" }, legend: { bottom: 0, textStyle: { color: INK } },
    grid: { left: 38, right: 20, top: 30, bottom: 62 },
    xAxis: { type: "time", axisLine, axisLabel: { color: INK, fontSize: 11, hideOverlap: true }, splitLine: { show: false } },
    yAxis: countAxis({ min: 0 }),
    series: [
      line(data.words.present, 1, ACCENT, {
        lineStyle: { width: 2.5 }, areaStyle: { opacity: 0.08 },
        markLine: {
          symbol: "none", silent: true, lineStyle: { color: WARN, type: "dashed" },
          label: { color: INK, fontSize: 11, formatter: (one) => one.name },
          data: data.marks.map(([at, name]) => ({ xAxis: at, name })),
        },
      }),
      line(data.words.joined, 2, INFO, { lineStyle: { width: 1, type: "dotted" } }),
      line(data.words.left, 3, BAD, { lineStyle: { width: 1.5 } }),
    ],
  };
}

function gates(data) {
  const bar = (key, color) => ({
    type: "bar", stack: "all", name: data.words[key], data: data[key].map((count) => count || null), itemStyle: { color },
    barMaxWidth: 24, label: { show: true, color: key === "stayed" || key === "left" ? "#ffffff" : INK, fontSize: 11 },
  });
  const base = usual();
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    legend: { bottom: 0, textStyle: { color: INK } },
    grid: { left: 60, right: 16, top: 8, bottom: 62 }, xAxis: countAxis(),
    yAxis: { type: "category", data: data.gates, inverse: true, axisLine, axisTick: { show: false }, axisLabel: { color: INK } },
    series: [
      bar("stayed", ACCENT), bar("left", BAD), bar("removed", "#c9a0dc"), bar("uncertain", "#e8c98f"), bar("young", RULE),
    ],
  };
}

function sources(data) {
  const base = usual();
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    legend: { bottom: 0, textStyle: { color: INK } },
    grid: { left: 8, right: 30, top: 8, bottom: 40, containLabel: true }, xAxis: countAxis(),
    yAxis: {
      type: "category", data: data.names, inverse: true, axisLine, axisTick: { show: false },
      axisLabel: { color: INK, width: isNarrow() ? 90 : 180, overflow: "truncate" },
    },
    series: [
      { type: "bar", stack: "all", name: data.words.stayed, data: data.stayed, itemStyle: { color: ACCENT }, barMaxWidth: 20 },
      { type: "bar", stack: "all", name: data.words.left, data: data.left, itemStyle: { color: BAD }, barMaxWidth: 20 },
    ],
  };
}

// --- the audit: bars lead to what is behind them (data.links), by a click.

const nameAxis = (names) => ({
  type: "category", data: names, axisLine, axisTick: { show: false },
  axisLabel: { color: INK, fontSize: 11, interval: 0, hideOverlap: true, rotate: isNarrow() && names.length > 6 ? 45 : 0 },
});

function waits(data) {
  const base = usual();
  const last = data.counts.length - 1;
  return {
    ...base, tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    grid: { left: 8, right: 12, top: 24, bottom: 8, containLabel: true }, xAxis: nameAxis(data.names), yAxis: countAxis(),
    series: [{
      type: "bar", name: data.words.sessions, barMaxWidth: 46,
      label: { show: true, position: "top", color: INK, fontSize: 11 },
      data: data.counts.map((count, at) => ({
        value: count, itemStyle: { color: at === last ? BAD : ACCENT, borderRadius: [3, 3, 0, 0] },
      })),
    }],
  };
}

function hours(data) {
  const base = usual();
  const line = (name, values, color, more = {}) => ({ type: "line", name, data: values, color, connectNulls: false, symbolSize: 6, ...more });
  return {
    ...base, legend: { bottom: 0, textStyle: { color: INK } },
    tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    grid: { left: 8, right: 8, top: 30, bottom: 34, containLabel: true }, xAxis: nameAxis(data.names),
    yAxis: [
      { type: "value", name: data.words.minutes, nameTextStyle: { color: FAINT }, axisLabel: { color: FAINT }, splitLine: { lineStyle: { color: RULE } } },
      countAxis({ name: data.words.sessions, nameTextStyle: { color: FAINT }, splitLine: { show: false } }),
    ],
    series: [
      { type: "bar", name: data.words.sessions, data: data.counts, yAxisIndex: 1, itemStyle: { color: "#d9e6e1", borderRadius: [3, 3, 0, 0] }, barMaxWidth: 26 },
      line(data.words.median, data.median, ACCENT, { lineStyle: { width: 2.5 } }),
      line(data.words.p90, data.p90, WARN, { lineStyle: { type: "dashed" } }),
    ],
  };
}

function score(data) {
  const base = usual();
  const known = data.low.filter((value) => value !== null);
  const hidden = { type: "line", symbol: "none", lineStyle: { opacity: 0 }, stack: "interval", tooltip: { show: false }, silent: true };
  return {
    ...base, legend: { bottom: 0, textStyle: { color: INK }, data: [data.words.score, data.words.sessions, data.words.waits] },
    tooltip: {
      ...base.tooltip, trigger: "axis",
      formatter: (rows) => {
        const at = rows[0].dataIndex;
        const points = data.score[at] === null ? data.words.few : `${data.score[at]}（${data.low[at]}–${data.high[at]}）`;
        return [data.weeks[at], `${data.words.score} ${points}`, `${data.words.sessions} ${data.sessions[at]}`,
          data.waits[at] === null ? "" : `${data.words.waits} ${data.waits[at]} ${data.words.minutes}`].filter(Boolean).join("\n");
      },
    },
    grid: [{ left: 46, right: 46, top: 26, height: "44%" }, { left: 46, right: 46, top: "64%", bottom: 56 }],
    xAxis: [{ ...nameAxis(data.weeks), axisLabel: { show: false } }, { ...nameAxis(data.weeks), gridIndex: 1 }],
    yAxis: [
      { type: "value", name: data.words.score, nameTextStyle: { color: FAINT }, max: 100,
        min: known.length ? Math.max(0, Math.floor((Math.min(...known) - 5) / 10) * 10) : 0,
        axisLabel: { color: FAINT }, splitLine: { lineStyle: { color: RULE } } },
      countAxis({ gridIndex: 1, splitNumber: 2 }),
      { type: "value", gridIndex: 1, name: data.words.minutes, nameTextStyle: { color: FAINT }, splitNumber: 2, axisLabel: { color: FAINT }, splitLine: { show: false } },
    ],
    series: [
      { ...hidden, name: "low", data: data.low },
      { ...hidden, name: data.words.interval, areaStyle: { color: ACCENT, opacity: 0.14 },
        data: data.high.map((high, at) => (high === null ? null : high - data.low[at])) },
      { type: "line", name: data.words.score, data: data.score, color: ACCENT, lineStyle: { width: 2.5 }, symbolSize: 8 },
      { type: "bar", name: data.words.sessions, xAxisIndex: 1, yAxisIndex: 1, data: data.sessions, itemStyle: { color: "#d9e6e1", borderRadius: [3, 3, 0, 0] }, barMaxWidth: 26 },
      { type: "line", name: data.words.waits, xAxisIndex: 1, yAxisIndex: 2, data: data.waits, color: WARN, symbolSize: 6 },
    ],
  };
}

function violations(data) {
  const base = usual();
  const tones = { red: BAD, S0: "#d8675f", S1: WARN, S2: "#e8c98f", S3: "#cbd3d0" };
  return {
    ...base, legend: { bottom: 0, textStyle: { color: INK } },
    tooltip: { ...base.tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    grid: { left: 8, right: 8, top: 30, bottom: 34, containLabel: true }, xAxis: nameAxis(data.weeks),
    yAxis: [countAxis({ name: data.words.found, nameTextStyle: { color: FAINT } }),
      countAxis({ name: data.words.sessions, nameTextStyle: { color: FAINT }, splitLine: { show: false } })],
    series: [
      ...data.series.map((one) => ({ type: "bar", stack: "all", name: one.name, data: one.counts, itemStyle: { color: tones[one.key] }, barMaxWidth: 30 })),
      { type: "line", name: data.words.sessions, yAxisIndex: 1, data: data.sessions, color: FAINT, lineStyle: { type: "dashed", width: 1.5 }, symbolSize: 5 },
    ],
  };
}

const KINDS = { calendar, burden, quota, members, gates, sources, waits, hours, score, violations };

for (const place of document.querySelectorAll("[data-chart]")) {
  if (!globalThis.echarts) {
    place.hidden = true;
    place.parentElement.querySelector(".chart-missing").hidden = false;
    continue;
  }
  const data = JSON.parse(document.getElementById(place.dataset.source).textContent);
  const chart = globalThis.echarts.init(place, null, { locale: "ZH" });
  const draw = () => chart.setOption(KINDS[place.dataset.chart](data), true);
  if (data.links) {
    place.classList.add("is-link");
    chart.on("click", (one) => { if (data.links[one.dataIndex]) location.assign(data.links[one.dataIndex]); });
  }
  chart.on("finished", () => { place.dataset.drawn = "yes"; });
  draw();
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    chart.resize();
    draw();
  }).observe(place);
}
