// Draws the plots from the page's own data. Readers can look values up with a mouse, a finger or the
// keyboard.
"use strict";

(() => {
  const all = JSON.parse(document.getElementById("data").textContent);
  // A timer without ticks has nothing to draw; the table lists it.
  const timers = all.filter(({ deadlines }) => deadlines > 0);
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Shorter times are drawn at this length, because a logarithmic axis has no zero.
  const LEAST_NS = 10;
  // Drawn below the visible range, for the same reason.
  const NONE = 1e-3;

  // Timers differ in more than colour. The numbers of colours and of dashes have no common divisor, so each
  // pair occurs once.
  const COLOURS = 8;
  const DASHES = [[], [9, 4], [2, 3], [14, 4, 2, 4], [5, 3, 5, 9]];

  // --- Formatting numbers

  function time(ns) {
    let value = ns;
    let unit = "ns";
    for (const larger of ["µs", "ms", "s"]) {
      if (value < 999.5) break;
      value /= 1e3;
      unit = larger;
    }
    const digits = unit === "ns" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return `${value.toFixed(digits)} ${unit}`;
  }

  // Formats a round value, as on an axis.
  const roundTime = (ns) => time(ns).replace(/\.0+ /, " ");

  const count = (number) => number.toLocaleString("en");

  // One digit more than there are nines.
  function percent(oneIn) {
    const digits = Math.max(0, Math.floor(Math.log10(oneIn) + 1e-9));
    return `${Number((100 - 100 / oneIn).toFixed(digits))} %`;
  }

  // --- Axes

  const atLeast = (ns) => Math.max(ns, LEAST_NS);
  const power = (value) => 10 ** Math.floor(Math.log10(value) + 1e-9);
  const ROUND = [1, 2, 5, 10];

  function roundDown(value) {
    const unit = power(value);
    return unit * ROUND.findLast((step) => step * unit <= value * (1 + 1e-9));
  }

  function roundUp(value) {
    const unit = power(value);
    return unit * ROUND.find((step) => step * unit >= value * (1 - 1e-9));
  }

  function roundRange(values) {
    let least = Infinity;
    let most = LEAST_NS;
    for (const value of values) {
      least = Math.min(least, atLeast(value));
      most = Math.max(most, value);
    }
    const low = roundDown(Math.min(least, most));
    return [low, Math.max(roundUp(most), low * 10)];
  }

  // The powers of ten; if these are few, also their doubles and quintuples.
  function roundSplits([low, high]) {
    const steps = high / low > 300 ? [1] : [1, 2, 5];
    const splits = [];
    for (let unit = power(low); unit <= high * (1 + 1e-9); unit *= 10) {
      for (const step of steps) {
        const split = step * unit;
        if (split >= low * (1 - 1e-9) && split <= high * (1 + 1e-9)) splits.push(split);
      }
    }
    return splits;
  }

  function logScale(range) {
    return { time: false, distr: 3, range: () => range };
  }

  function logAxis(range, label, text) {
    return {
      label,
      splits: () => roundSplits(range),
      filter: (_, splits) => splits,
      values: (plot, splits, axis) => withRoom(plot, splits, axis, splits.map(text)),
    };
  }

  const timeAxis = (range, label) =>
    logAxis(range, label, (ns) => (ns <= LEAST_NS ? `≤ ${LEAST_NS} ns` : roundTime(ns)));

  // Omits labels until none overlaps: first those that are not powers of ten, then every second one, and so
  // on.
  function withRoom(plot, splits, axis, labels) {
    if (axis !== 0) return labels;
    const places = splits.map((split, i) => ({
      middle: plot.valToPos(split, "x"),
      half: labels[i].length * 3.5 + 3,
      exponent: Math.log10(split),
    }));
    const whole = (number) => Math.abs(number - Math.round(number)) < 1e-6;
    const powers = (step) => places.filter(({ exponent }) => whole(exponent / step));
    const clear = (one, next) => one.middle + one.half <= next.middle - next.half;
    const fit = (some) => some.slice(1).every((next, i) => clear(some[i], next));
    let some = places;
    for (let step = 1; !fit(some) && step < 20; step++) some = powers(step);
    return labels.map((label, i) => (some.includes(places[i]) ? label : ""));
  }

  // --- The content of each plot: its points in uPlot's columns, and the text for a position

  const ascending = (values) => Float64Array.from(new Set(values)).sort();

  // Returns the first of `points` for which `holds`. It must hold for all later points too.
  function first(points, holds) {
    let [low, high] = [0, points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(points[middle])) high = middle;
      else low = middle + 1;
    }
    return points[low];
  }

  // From left to right the share of later deadlines shrinks, to a tenth with each nine. The line ends where
  // that share is one deadline.
  function percentiles() {
    // Rounds to nine digits, so that 99.9 is exactly one in a thousand.
    const share = (at) => Number((100 / (100 - at)).toPrecision(9));
    const curves = timers.map(({ percentiles, deadlines }) =>
      percentiles.map(([at, ns]) => [Math.min(share(at), deadlines), ns]),
    );
    const shares = [1, curves.flat().reduce((most, [oneIn]) => Math.max(most, oneIn), 10)];
    const nines = [1, 2];
    for (let oneIn = 10; oneIn <= shares[1]; oneIn *= 10) nines.push(oneIn);
    const xs = ascending([...nines, ...curves.flat().map(([oneIn]) => oneIn)]);
    const value = (timer, i) => first(curves[timer], ([oneIn]) => oneIn >= xs[i])?.[1];
    const lateness = roundRange(curves.flat().map(([, ns]) => ns));
    const shareAxis = { ...logAxis(shares, "percentile of deadlines", percent), splits: () => nines };
    return {
      xs,
      lines: timers.map((_, timer) => {
        const ys = Array.from(xs, (_, i) => value(timer, i));
        return { timer, ys: ys.map((ns) => (ns === undefined ? null : atLeast(ns))) };
      }),
      scales: { x: logScale(shares), y: logScale(lateness) },
      axes: [shareAxis, timeAxis(lateness, "lateness")],
      start: xs.indexOf(100),
      slider: "Percentile",
      position: (i) => `${percent(xs[i])}: at most one in ${count(Math.round(xs[i]))} is later`,
      value: (timer, i) => {
        const ns = value(timer, i);
        return ns === undefined ? undefined : time(ns);
      },
    };
  }

  // The rounds of other timers lie between those of one timer. The timer's lines are interrupted there:
  // uPlot does that at a null. At undefined, where only other timers have a point, a line continues.
  function timeline() {
    const rows = timers.map((timer) => timer.timeline);
    const steps = rows.flatMap((row) => row.slice(1).map(([at], i) => at - row[i][0]));
    const slot = steps.reduce((least, step) => Math.min(least, step), Infinity);
    const pauses = rows.map((row) =>
      row.slice(1).flatMap(([to], i) => (to - row[i][0] > slot * 1.5 ? [[row[i][0], to]] : [])),
    );
    // A pause in which no other timer ran needs an additional point.
    const within = pauses.flat().map(([from, to]) => (from + to) / 2);
    const xs = ascending([...rows.flat().map(([at]) => at), ...within]);
    const slots = rows.map((row) => new Map(row.map((one) => [one[0], one])));
    const paused = (timer, at) => (first(pauses[timer], ([, to]) => to > at)?.[0] ?? Infinity) < at;
    const lateness = roundRange(rows.flat().flatMap(([, ...ns]) => ns));
    const [from, to] = [xs[0], Math.max(xs.at(-1), xs[0] + 1)];
    const line = (timer, column, thin) => {
      const ys = Array.from(xs, (at) => {
        const one = slots[timer].get(at);
        return one ? atLeast(one[column]) : paused(timer, at) ? null : undefined;
      });
      return { timer, ys, thin };
    };
    return {
      xs,
      lines: timers.flatMap((_, timer) => [line(timer, 2, true), line(timer, 1, false)]),
      // Halfway between a timer's two lines.
      bands: timers.map((_, timer) => [2 * timer + 1, 2 * timer + 2]),
      scales: { x: { time: false, range: () => [from, to] }, y: logScale(lateness) },
      axes: [
        {
          label: "time since the run began",
          incrs: [1, 10, 100, 1e3, 1e4].flatMap((unit) => [1, 2, 5].map((step) => step * unit * 1e7)),
          values: (_, splits) => splits.map((at) => `${Number((at / 1e9).toFixed(2))} s`),
        },
        timeAxis(lateness, "lateness"),
      ],
      start: 0,
      slider: "Time since the run began",
      position: (i) => `${(xs[i] / 1e9).toFixed(2)} s: median and maximum`,
      value: (timer, i) => {
        const one = slots[timer].get(xs[i]);
        return one && `${time(one[1])}, ${time(one[2])}`;
      },
    };
  }

  function histogram() {
    const bars = timers.map((timer) => timer.bars);
    const edges = bars.flat().flatMap(([from, to]) => [atLeast(from), atLeast(to)]);
    // One more point on the left gives the first bar a left side.
    const xs = ascending([...edges, edges.reduce((a, b) => Math.min(a, b), Infinity) * 0.99]);
    const bar = (timer, i) => {
      const found = first(bars[timer], ([, to]) => atLeast(to) > xs[i]);
      return found && atLeast(found[0]) <= xs[i] ? found : undefined;
    };
    const counts = [0.7, roundUp(bars.flat().reduce((most, one) => Math.max(most, one[2]), 10))];
    const lateness = roundRange(edges);
    const columns = bars.map((_, timer) => Array.from(xs, (_, i) => bar(timer, i)?.[2] ?? NONE));
    const height = (i) => columns.reduce((most, ys) => Math.max(most, ys[i]), 0);
    let start = 0;
    for (let i = 1; i < xs.length; i++) if (height(i) > height(start)) start = i;
    return {
      xs,
      lines: columns.map((ys, timer) => ({ timer, ys, fillTo: counts[0] })),
      paths: uPlot.paths.stepped({ align: 1 }),
      width: 1.5,
      // A point would lie at the left side of a bar and suggest more precision than the bar has.
      points: false,
      scales: { x: logScale(lateness), y: logScale(counts) },
      axes: [timeAxis(lateness, "lateness"), logAxis(counts, "deadlines", count)],
      start,
      slider: "Lateness",
      position: (i) => `${time(xs[i])} to ${time(xs[i + 1] ?? xs[i])}: deadlines`,
      value: (timer, i) => {
        const found = bar(timer, i);
        return found && count(found[2]);
      },
    };
  }

  // --- The look of each timer

  let colours = 0;
  let floors = 0;
  const looks = timers.map(({ floor }) => {
    const place = floor ? floors++ : colours++;
    return {
      colour: floor ? "--floor" : `--series-${place % COLOURS}`,
      dash: DASHES[place % DASHES.length],
    };
  });

  // A timer is hidden in every plot at once.
  const hidden = timers.map(() => false);

  function toggle(timer) {
    hidden[timer] = !hidden[timer];
    for (const plot of Object.values(plots)) plot.show(timer);
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function swatch({ colour, dash }, width) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "line");
    svg.setAttribute("viewBox", "0 0 32 8");
    svg.setAttribute("aria-hidden", "true");
    const look = { x1: 0, x2: 32, y1: 4, y2: 4, "stroke-dasharray": dash.join(" "), "stroke-width": width };
    for (const [key, value] of Object.entries(look)) line.setAttribute(key, value);
    line.style.stroke = `var(${colour})`;
    svg.append(line);
    return svg;
  }

  // --- A plot, with the values at one position beside it

  class Plot {
    constructor(figure, shown) {
      this.shown = shown;
      this.index = Math.max(0, shown.start);
      // Skips positions without a value.
      const says = (i) => timers.some((_, timer) => shown.value(timer, i));
      this.stops = Array.from(shown.xs.keys()).filter(says);
      this.box = element("div", {
        class: "plot",
        tabindex: 0,
        role: "slider",
        "aria-label": shown.slider,
        "aria-valuemin": 0,
        "aria-valuemax": this.stops.length - 1,
      });
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.position = element("p", { class: "position" });
      this.values = timers.map(() => element("span", { class: "value" }));
      this.buttons = timers.map(({ name, floor }, timer) => {
        const line = swatch(looks[timer], floor ? 1 : 2.5);
        const button = element("button", { type: "button", "aria-pressed": true }, line, name);
        button.addEventListener("click", () => toggle(timer));
        return button;
      });
      const rows = this.buttons.map((button, timer) => element("li", {}, button, this.values[timer]));
      const list = element("ul", { class: "timers", "aria-label": "Timers" }, ...rows);
      figure.append(this.box, element("div", {}, this.position, list));
      this.draw();
      new ResizeObserver(() => this.uplot.setSize(this.size())).observe(this.box);
    }

    // Redraws when the colours change.
    draw() {
      this.uplot?.destroy();
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      const axis = {
        stroke: colour("--muted"),
        font: "12px system-ui, sans-serif",
        labelFont: "12px system-ui, sans-serif",
        labelSize: 20,
        grid: { stroke: colour("--grid"), width: 1 },
        ticks: { stroke: colour("--grid"), width: 1, size: 5 },
      };
      const { shown } = this;
      const series = shown.lines.map(({ timer, thin, fillTo }) => {
        const look = looks[timer];
        const stroke = colour(look.colour);
        return {
          label: timers[timer].name,
          show: !hidden[timer],
          stroke,
          width: thin || timers[timer].floor ? 1 : shown.width ?? 2,
          dash: look.dash,
          paths: shown.paths,
          points: { show: false, filter: alone, size: 5, fill: stroke },
          fill: fillTo === undefined || timers[timer].floor ? undefined : `${stroke}14`,
          fillTo: () => fillTo,
        };
      });
      const options = {
        ...this.size(),
        legend: { show: false },
        scales: shown.scales,
        axes: [
          { ...axis, size: 30, ...shown.axes[0] },
          { ...axis, size: 62, ...shown.axes[1] },
        ],
        series: [{}, ...series],
        bands: shown.bands?.map((pair) => ({ series: pair, fill: `${series[pair[0] - 1].stroke}22` })),
        cursor: {
          y: false,
          drag: { x: false, y: false },
          points: { show: shown.points ?? true, size: 7 },
          move: (_, left, top) => [left < 0 ? left : this.left(this.nearest(left)), top],
          // The last values stay.
          bind: { mouseleave: () => null },
        },
        hooks: {
          ready: [() => this.place()],
          setSize: [() => this.place()],
          setCursor: [(plot) => plot.cursor.idx !== null && this.read(plot.cursor.idx)],
        },
      };
      this.uplot = new uPlot(options, [shown.xs, ...shown.lines.map(({ ys }) => ys)], this.box);
      // A browser emulates mouse events when a finger is lifted.
      for (const name of ["pointerdown", "pointermove"]) {
        this.uplot.over.addEventListener(name, (event) => {
          const { pointerType, offsetX, offsetY } = event;
          if (pointerType !== "mouse") this.uplot.setCursor({ left: offsetX, top: offsetY });
        });
      }
    }

    size() {
      const width = this.box.clientWidth;
      return { width, height: width < 500 ? 300 : 400 };
    }

    show(timer) {
      this.buttons[timer].setAttribute("aria-pressed", !hidden[timer]);
      this.shown.lines.forEach((line, i) => {
        if (line.timer === timer) this.uplot.setSeries(i + 1, { show: !hidden[timer] });
      });
      this.read(this.index);
    }

    left(i) {
      return this.uplot.valToPos(this.shown.xs[i], "x");
    }

    nearest(left) {
      const after = first(this.stops, (i) => this.left(i) >= left) ?? this.stops.at(-1);
      const before = this.stops[Math.max(0, this.stops.indexOf(after) - 1)];
      return left - this.left(before) < this.left(after) - left ? before : after;
    }

    // A step is always large enough to see, however close the points are.
    step(direction, pixels) {
      const from = this.left(this.index);
      const ahead = this.stops.filter((i) => (i - this.index) * direction > 0);
      if (direction < 0) ahead.reverse();
      return ahead.find((i) => Math.abs(this.left(i) - from) >= pixels) ?? ahead.at(-1) ?? this.index;
    }

    key(event) {
      const page = this.uplot.over.clientWidth / 10;
      const keys = {
        ArrowRight: () => this.step(1, 6),
        ArrowUp: () => this.step(1, 6),
        ArrowLeft: () => this.step(-1, 6),
        ArrowDown: () => this.step(-1, 6),
        PageUp: () => this.step(1, page),
        PageDown: () => this.step(-1, page),
        Home: () => this.stops[0],
        End: () => this.stops.at(-1),
      };
      if (!(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.index = keys[event.key]();
      this.place();
    }

    place() {
      this.uplot.setCursor({ left: this.left(this.index), top: 0 });
    }

    read(i) {
      this.index = i;
      const values = timers.map((_, timer) => (hidden[timer] ? undefined : this.shown.value(timer, i)));
      const position = this.shown.position(i);
      this.position.textContent = position;
      values.forEach((value, timer) => (this.values[timer].textContent = value ?? "–"));
      const said = values.map((value, timer) => value && `${timers[timer].name} ${value}`);
      this.box.setAttribute("aria-valuenow", this.stops.indexOf(i));
      this.box.setAttribute("aria-valuetext", [position, ...said.filter(Boolean)].join("; "));
    }
  }

  // Points that no line passes through.
  function alone(plot, series) {
    const ys = plot.data[series];
    const found = [];
    let run = [];
    const end = () => {
      if (run.length === 1) found.push(run[0]);
      run = [];
    };
    ys.forEach((y, i) => {
      if (y === null) end();
      else if (y !== undefined) run.push(i);
    });
    end();
    return found.length > 0 ? found : null;
  }

  const plots = {};
  if (timers.length > 0) {
    for (const part of document.querySelectorAll(".plots")) part.hidden = false;
    for (const shown of [percentiles, timeline, histogram]) {
      const figure = document.querySelector(`[data-plot="${shown.name}"]`);
      plots[shown.name] = new Plot(figure, shown());
    }
    dark.addEventListener("change", () => Object.values(plots).forEach((plot) => plot.draw()));
  }

  // For the page's test, and for readers at the browser's console.
  globalThis.ticklab = { all, plots };
})();
