"use strict";
// Draws every .turnable element: two hearts that turn together, a time slider, and the time course at a clicked site.
(() => {
  const bytes = async (text) => {
    const packed = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
    const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const as = async (text, type) => new type((await bytes(text)).buffer);
  const MISSING = 255, LEVELS = 254, GREY = "#9a9a9a", GAP = 0.06;
  const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
  const SCAR = ["#d9d4c7", "#d9d4c7", "#d55e00", "#d55e00"];
  const node = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };

  // Where sites lack a value, the lowest GAP of the colour scale shows them: grey for half of it, then the first colour.
  const colourScale = (name, missing) => {
    const [base, reversed] = name.split("-");
    const colours = base === "Scar" ? SCAR : VIRIDIS;
    const stops = reversed ? [...colours].reverse() : colours;
    const gap = missing ? GAP : 0;
    const scale = stops.map((c, k) => [gap + (1 - gap) * (k / (stops.length - 1)), c]);
    return missing ? [[0, GREY], [GAP / 2, GREY], [GAP / 2 + 1e-3, stops[0]], ...scale] : scale;
  };

  const decodeSurface = async (raw) => {
    const v = await as(raw.vertices, Int16Array), f = await as(raw.faces, Uint32Array), count = v.length / 3;
    const column = (a, k, scale) => Array.from({ length: a.length / 3 }, (_, i) => a[3 * i + k] * scale);
    return {
      x: column(v, 0, 0.1), y: column(v, 1, 0.1), z: column(v, 2, 0.1),
      i: column(f, 0, 1), j: column(f, 1, 1), k: column(f, 2, 1),
      width: raw.width, nodes: await as(raw.nodes, Uint16Array), shares: await bytes(raw.shares), count,
    };
  };

  const decodeMap = async (map) => {
    const levels = await bytes(map.levels);
    return { ...map, levels, missing: levels.includes(MISSING) };
  };
  const value = (map, index) => (map.levels[index] === MISSING ? NaN : map.low + (map.high - map.low) * map.levels[index] / LEVELS);

  const spread = (surface, map, offset, range) => {
    const out = new Float32Array(surface.count), missing = range[0] - GAP / (1 - GAP) * (range[1] - range[0]);
    for (let v = 0; v < surface.count; v++) {
      let sum = 0, weight = 0, lost = 0;
      for (let c = v * surface.width; c < (v + 1) * surface.width; c++) {
        const level = map.levels[offset + surface.nodes[c]], share = surface.shares[c];
        if (level === MISSING) lost += share; else { sum += share * level; weight += share; }
      }
      const mean = map.low + (map.high - map.low) * sum / weight / LEVELS;
      out[v] = lost >= weight ? missing : Math.min(Math.max(mean, range[0]), range[1]);
    }
    return out;
  };

  const decodeLayer = async (layer) => ({
    ...layer, reference: await decodeMap(layer.reference), others: await Promise.all(layer.others.map(decodeMap)),
  });

  const setUp = async (root) => {
    const data = JSON.parse(document.getElementById(root.dataset.source).textContent);
    const surfaces = {};
    for (const [key, raw] of Object.entries(data.surfaces)) surfaces[key] = await decodeSurface(raw);
    const cases = [];
    for (const c of data.cases) cases.push({ ...c, layers: await Promise.all(c.layers.map(decodeLayer)) });

    const select = (options) => node("select", {}, ...options.map((text, k) => node("option", { value: k, textContent: text })));
    const caseSelect = select(cases.map((c) => c.label)), layerSelect = node("select"), methodSelect = node("select");
    const play = node("button", { type: "button", textContent: "Play" });
    const slider = node("input", { type: "range", min: 0, value: 0, step: 1 });
    const clock = node("span");
    const timeLabel = node("label", { className: "time" }, clock, slider);
    const titles = [node("h4", { textContent: data.reference }), node("h4")];
    const hearts = [node("div", { className: "heart" }), node("div", { className: "heart" })];
    const trace = node("div", { className: "trace" });
    root.append(
      node("div", { className: "controls" }, node("label", {}, "Case", caseSelect), node("label", {}, "Show", layerSelect),
        node("label", {}, "Method", methodSelect), play, timeLabel),
      node("div", { className: "hearts" }, ...hearts.map((h, k) => node("div", { className: "pane" }, titles[k], h))), trace);

    let current, layer, method, surface, site = null, timer = null;
    const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const fill = (element, options) => {
      const before = element.value;
      element.replaceChildren(...options.map((text, k) => node("option", { value: k, textContent: text })));
      element.value = before !== "" && Number(before) < options.length ? before : 0;
    };
    const maps = () => [layer.reference, layer.others[method]];
    const range = (map) => (layer.ownRange ? [map.low, map.high] : [layer.reference.low, layer.reference.high]);
    const frame = () => (layer.moving ? Number(slider.value) : 0);
    const nodeCount = (map) => map.levels.length / (layer.moving ? current.time.length : 1);
    const intensity = (map) => spread(surface, map, frame() * nodeCount(map), range(map));

    // From the side where the marked site lies, somewhat from above.
    const facing = () => {
      const mean = (a) => a.reduce((sum, v) => sum + v, 0) / a.length, m = current.mark;
      const away = [surface.x[m] - mean(surface.x), surface.y[m] - mean(surface.y)], length = Math.hypot(...away) || 1;
      const [x, y] = away.map((v) => 1.95 * v / length);
      return { eye: { x, y, z: 0.4 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
    };
    const draw = (keepView) => hearts.map((element, side) => {
      const map = maps()[side], [low, high] = range(map), span = high - low || 1, ink = style("--ink");
      const mesh = {
        type: "mesh3d", x: surface.x, y: surface.y, z: surface.z, i: surface.i, j: surface.j, k: surface.k,
        intensity: intensity(map), cmin: map.missing ? low - GAP / (1 - GAP) * span : low, cmax: high, colorscale: colourScale(layer.scale, map.missing),
        lighting: { ambient: 0.75, diffuse: 0.4, specular: 0.08, roughness: 0.7 }, lightposition: { x: -2000, y: -4000, z: 4000 },
        hoverinfo: "none",
        colorbar: { thickness: 11, len: 0.7, tickfont: { color: ink }, outlinewidth: 0, nticks: 6,
          title: { text: layer.unit || (layer.moving ? "TMP" : ""), font: { color: ink }, side: "top" } },
        showscale: layer.scale !== "Scar",
      };
      const m = current.mark;
      const mark = {
        type: "scatter3d", mode: "markers", x: [surface.x[m]], y: [surface.y[m]], z: [surface.z[m]], name: current.markLabel,
        hovertemplate: current.markLabel + "<extra></extra>", showlegend: false,
        marker: { size: 7, color: "#ffffff", line: { color: "#000000", width: 2 } },
      };
      const axis = (title) => ({ title: { text: title }, showbackground: false, gridcolor: style("--line"), zeroline: false, color: style("--quiet"), nticks: 4, showspikes: false });
      const layout = {
        margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)",  showlegend: false,
        scene: { aspectmode: "data", camera: keepView ? element.layout.scene.camera : facing(), dragmode: "orbit",
          xaxis: axis("R → L / mm"), yaxis: axis("A → P / mm"), zaxis: axis("F → H / mm") },
      };
      titles[side].textContent = side ? map.label : data.reference;
      return Plotly.react(element, [mesh, mark], layout, { displaylogo: false, responsive: true, displayModeBar: false });
    });

    const drawTrace = () => {
      trace.hidden = !layer.moving;
      if (!layer.moving) return;
      const ink = style("--ink");
      const at = (map) => current.time.map((_, k) => value(map, k * nodeCount(map) + site));
      const axis = (text) => ({ title: { text }, color: ink, gridcolor: style("--line"), zeroline: false });
      const [reference, other] = maps();
      Plotly.react(trace, [
        { x: current.time, y: at(reference), name: data.reference, line: { color: ink, width: 2.5 } },
        { x: current.time, y: at(other), name: other.label, line: { color: "#e69f00", width: 2 } },
      ], {
        margin: { l: 55, r: 10, t: 28, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: ink }, title: { text: `Node ${site} (click a heart to choose another)`, font: { size: 13 }, x: 0.06 },
        legend: { orientation: "h", x: 1, xanchor: "right", y: 1.18 }, xaxis: axis("time / ms"), yaxis: axis("TMP"),
        shapes: [{ type: "line", x0: current.time[frame()], x1: current.time[frame()], yref: "paper", y0: 0, y1: 1, line: { color: style("--accent"), dash: "dot" } }],
      }, { displaylogo: false, responsive: true, displayModeBar: false });
    };

    const showTime = () => {
      clock.textContent = layer.moving ? `Time ${current.time[frame()].toFixed(0)} ms` : "";
      timeLabel.hidden = play.hidden = !layer.moving;
    };
    const step = () => {
      showTime();
      hearts.forEach((element, side) => Plotly.restyle(element, { intensity: [intensity(maps()[side])] }, [0]));
      if (layer.moving) Plotly.relayout(trace, { "shapes[0].x0": current.time[frame()], "shapes[0].x1": current.time[frame()] });
    };
    const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
    const refresh = () => {
      stop();
      const before = current;
      current = cases[Number(caseSelect.value)];
      fill(layerSelect, current.layers.map((l) => l.label));
      layer = current.layers[Number(layerSelect.value)];
      fill(methodSelect, layer.others.map((m) => m.label));
      method = Number(methodSelect.value);
      surface = surfaces[current.surface];
      slider.max = current.time.length - 1;
      const nodes = nodeCount(layer.reference);
      if (current !== before || site >= nodes) site = surface.nodes[current.mark * surface.width];
      showTime();
      drawTrace();
      return Promise.all(draw(current === before));
    };

    let turning = false;
    const follow = (from, to) => (event) => {
      const moved = event["scene.camera"];
      if (!moved || turning) return;
      turning = true;
      Plotly.relayout(hearts[to], { "scene.camera": moved }).then(() => { turning = false; });
    };
    slider.value = Math.round(cases[0].time.length * 0.1);
    refresh().then(() => {
      hearts.forEach((element, side) => {
        element.on("plotly_relayouting", follow(side, 1 - side));
        element.on("plotly_relayout", follow(side, 1 - side));
        element.on("plotly_click", (event) => {
          if (event.points[0].curveNumber !== 0) return;
          site = surface.nodes[event.points[0].pointNumber * surface.width];
          drawTrace();
        });
      });
      root.dataset.ready = "true";
    });
    [caseSelect, layerSelect, methodSelect].forEach((element) => element.addEventListener("change", refresh));
    slider.addEventListener("input", step);
    play.addEventListener("click", () => {
      if (timer) { stop(); return; }
      play.textContent = "Pause";
      timer = setInterval(() => { slider.value = (frame() + 1) % current.time.length; step(); }, 90);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  };

  document.querySelectorAll(".turnable").forEach((root) => {
    setUp(root).catch((error) => {
      root.append(node("p", { className: "caption", textContent: `This browser can't show the heart: ${error.message}` }));
      console.error(error);
    });
  });
})();
