// Draws the figures with Plotly in the colours of the page's theme.
"use strict";
(() => {
  const palettes = JSON.parse(document.getElementById("palettes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const figures = [...document.querySelectorAll("script.figure-data")].map(script => ({
    plot: document.getElementById(script.dataset.plot),
    source: JSON.parse(script.textContent),
  }));

  const channels = colour => [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));

  function onRamp(ramp, place) {
    const position = Math.min(Math.max(place, 0), 1) * (ramp.length - 1);
    const low = Math.min(Math.floor(position), ramp.length - 2);
    const [a, b] = [channels(ramp[low]), channels(ramp[low + 1])];
    return `rgb(${a.map((x, i) => Math.round(x + (position - low) * (b[i] - x))).join(",")})`;
  }

  const scale = colours => colours.map((colour, i) => [i / (colours.length - 1), colour]);

  // Figures name colours by role: @text, @ramp:0.5 (a place on the ramp), @ramp and @diverging (whole scales).
  function themed(value, palette) {
    if (Array.isArray(value))
      return typeof value[0] === "number" && typeof value.at(-1) === "number" ? value : value.map(item => themed(item, palette));
    if (value !== null && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, palette)]));
    if (typeof value !== "string" || value[0] !== "@")
      return value;
    const [role, place] = value.slice(1).split(":");
    const colour = palette[role];
    if (role === "hues")
      return colour[place];
    return place !== undefined ? onRamp(colour, Number(place)) : Array.isArray(colour) ? scale(colour) : colour ?? value;
  }

  // What a cell of a large grid is told by: put together here, so that the page stays small.
  function tell(trace) {
    const { column, row, values, classes } = trace.cellWords;
    delete trace.cellWords;
    const columns = column.values.length;
    trace.text = trace.z.map((cells, r) => cells.map((cell, c) => [
      `${column.name} ${column.values[c]}`, `${row.name} ${row.values[r]}`,
      ...(classes.length > 0 && cell !== null ? [`<b>${classes[cell]}</b>`] : []),
      ...values.map(({ name, values }) => `${name} ${values[r * columns + c] ?? "–"}`),
    ].join("<br>")));
  }

  function hasWebGl() {
    try {
      return document.createElement("canvas").getContext("webgl") !== null;
    } catch {
      return false;
    }
  }

  function draw() {
    const palette = palettes[dark.matches ? "dark" : "light"];
    for (const { plot, source } of figures) {
      const { data, layout, frames } = themed(source, palette);
      layout.font.family = getComputedStyle(document.body).fontFamily;
      layout.hoverlabel = { bgcolor: palette.paper, bordercolor: palette.muted, font: { color: palette.text } };
      const config = {
        displaylogo: false,
        responsive: true,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
        toImageButtonOptions: { format: "svg" },
      };
      Plotly.react(plot, { data, layout, frames, config });
    }
  }

  // The keyboard moves a figure's slider too: arrow keys, Home and End.
  function steer(plot) {
    const last = plot.layout.sliders[0].steps.length - 1;
    const tellPlace = place => {
      plot.setAttribute("aria-valuenow", place);
      plot.setAttribute("aria-valuetext", `step ${plot.layout.sliders[0].steps[place].label}`);
    };
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-valuemin", 0);
    plot.setAttribute("aria-valuemax", last);
    tellPlace(last);
    plot.on("plotly_sliderchange", ({ slider }) => tellPlace(slider.active));
    plot.addEventListener("keydown", event => {
      const { active, steps } = plot.layout.sliders[0];
      const to = { ArrowLeft: active - 1, ArrowRight: active + 1, Home: 0, End: last }[event.key];
      if (to === undefined)
        return;
      event.preventDefault();
      const place = Math.min(Math.max(to, 0), last);
      Plotly.animate(plot, ...steps[place].args).then(() => tellPlace(place));
    });
  }

  // plotly.js lies packed in the page.
  async function unpack(script) {
    const bytes = Uint8Array.from(atob(script.textContent), letter => letter.charCodeAt(0));
    const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    const unpacked = document.createElement("script");
    unpacked.textContent = text;
    document.head.append(unpacked);
    script.remove();
  }

  async function start() {
    await unpack(document.getElementById("plotly"));
    for (const { plot, source } of figures) {
      const figure = plot.closest("figure");
      const still = figure.querySelector(".static");
      const spatial = source.data.some(trace => trace.type === "scatter3d");
      // Without WebGL a figure in space stays as it is in print.
      if (spatial && still && !hasWebGl()) {
        plot.remove();
        continue;
      }
      source.data.filter(trace => trace.cellWords).forEach(tell);
      figure.classList.add("scripted");
      if (still)
        figure.classList.add("printable");
    }
    figures.splice(0, figures.length, ...figures.filter(({ plot }) => plot.isConnected));
    draw();
    figures.map(({ plot }) => plot).filter(plot => plot.layout.sliders).forEach(steer);
    dark.addEventListener("change", draw);
  }

  // A browser that cannot unpack keeps the figures as they are in print.
  start();
})();
