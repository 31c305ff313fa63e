// Draws the charts of a page when they come near the view, in the colours of light or dark. Nothing is asked of any network.
(async () => {
  "use strict";
  const charts = [...document.querySelectorAll(".chart")];
  const told = (words) => charts.forEach((div) => { if (!div.dataset.drawn) div.innerHTML = `<p>${words}</p>`; });
  if (typeof DecompressionStream === "undefined") return told("This browser is too old for the charts. The pictures beside this page show them.");
  const packed = document.getElementById("plotly").textContent;
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const source = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const script = document.createElement("script");
  script.textContent = source;
  document.head.append(script);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const light = { ink: "#16191d", faint: "#5b6570", grid: "#dfe3e7", paper: "#fcfcfa" };
  const night = { ink: "#e8eaec", faint: "#9aa5af", grid: "#2c3238", paper: "#14171a" };
  const options = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

  function dressed(name, look) {
    const figure = JSON.parse(document.getElementById(name.replace("chart-", "data-")).textContent);
    const narrow = innerWidth < 640;
    for (const trace of figure.data) {
      if (trace.meta === "ink" || trace.meta === "faint") trace.line = { ...trace.line, color: look[trace.meta] };
      if (trace.meta === "ink" && trace.fill) trace.fillcolor = look.grid;
      if (trace.meta === "candles") {
        trace.increasing = { line: { color: look.faint, width: 1 }, fillcolor: look.paper };
        trace.decreasing = { line: { color: look.faint, width: 1 }, fillcolor: look.faint };
      }
      delete trace.meta;
    }
    const layout = figure.layout;
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) Object.assign(layout[key], { gridcolor: look.grid, linecolor: look.grid, tickcolor: look.grid, spikecolor: look.faint });
    }
    for (const shape of layout.shapes || []) shape.line.color = look.ink;
    Object.assign(layout, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true });
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: look.faint, activecolor: look.ink };
    layout.font = { color: look.ink, family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 12.5 };
    layout.hoverlabel = { bgcolor: look.paper, bordercolor: look.faint, font: { color: look.ink }, namelength: -1, align: "left" };
    if (narrow) { layout.margin = { ...layout.margin, l: 48, r: 6 }; layout.dragmode = false; }
    return figure;
  }

  function draw(div, look) {
    const figure = dressed(div.id, look);
    if (!div.dataset.drawn) div.textContent = "";
    div.dataset.drawn = "yes";
    return Plotly.react(div, figure.data, figure.layout, { ...options, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false });
  }

  const now = () => (dark.matches ? night : light);
  const near = new IntersectionObserver((seen) => seen.forEach((one) => { if (one.isIntersecting && !one.target.dataset.drawn) draw(one.target, now()); }), { rootMargin: "800px" });
  charts.forEach((div) => near.observe(div));
  dark.addEventListener("change", () => charts.forEach((div) => { if (div.dataset.drawn) draw(div, now()); }));
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    charts.forEach((div) => draw(div, light));
  });
  addEventListener("afterprint", () => charts.forEach((div) => draw(div, now())));
})();
