// Charts: Plotly is unpacked when the first one comes into sight, and wears the colours of the page.
// The others follow while nothing else happens: printing does not wait for what it lacks.
(() => {
  'use strict';
  const figures = JSON.parse(document.getElementById('figures').textContent);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const COLOURS = {
    light: ['#0072B2', '#D55E00', '#009E73', '#B04A8C', '#2E93D1', '#B87700', '#4a4a4a',
      '#6A51A3', '#8C510A', '#01665E', '#E7298A', '#666600'],
    dark: ['#5BB8F5', '#FF9357', '#3FD9A8', '#E9A6CF', '#9ADCFF', '#FFC65A', '#c9c9c9',
      '#B9A5F0', '#DDA15E', '#6FD6CA', '#FF85C2', '#CFCF66'],
  };
  const HEAT = {
    light: [[0, '#f7faf8'], [0.05, '#dcebf5'], [0.5, '#5b9fd0'], [1, '#08306b']],
    dark: [[0, '#1d2421'], [0.05, '#1f3550'], [0.5, '#2f7fc1'], [1, '#d5ecff']],
  };
  const PAPER = 640; // pixels of A4 between the margins of the page and those of a chart
  let library = null;
  let printing = false;

  async function unpack() {
    const packed = JSON.parse(document.getElementById('plotly').textContent);
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    const script = document.createElement('script');
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.Plotly;
  }

  function themed(spec) {
    const theme = dark.matches && !printing ? 'dark' : 'light';
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => (printing ? { '--ink': '#000', '--line': '#bbb', '--card': '#fff' }[name]
      : style.getPropertyValue(name).trim());
    const axis = (own) => ({ gridcolor: colour('--line'), zerolinecolor: colour('--line'),
      automargin: true, linecolor: colour('--line'), ...own, title: { standoff: 10, ...own.title } });
    const data = spec.data.map((trace) => {
      if (trace.meta.heat) return { ...trace, colorscale: HEAT[theme] };
      const own = COLOURS[theme][trace.meta.colour % COLOURS[theme].length];
      return { ...trace, line: { ...trace.line, color: own },
        marker: { ...trace.marker, color: own } };
    });
    const layout = {
      ...spec.layout, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { color: colour('--ink'), family: getComputedStyle(document.body).fontFamily, size: 13 },
      margin: { l: 40, r: 16, t: 30, b: 40 }, autosize: !printing,
      width: printing ? PAPER : undefined,
      height: spec.layout.height || (window.innerWidth < 600 ? 400 : 340),
      hoverlabel: { bgcolor: colour('--card'), font: { color: colour('--ink') } },
      legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0, maxheight: 0.3, ...spec.layout.legend },
      xaxis: axis(spec.layout.xaxis), yaxis: axis(spec.layout.yaxis),
      shapes: (spec.layout.shapes || []).map((shape) => (
        { ...shape, line: { ...shape.line, color: colour('--ink') } })),
    };
    return [data, layout];
  }

  async function draw(plot) {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = 'yes';
    try {
      library = library || unpack();
      const plotly = await library;
      const [data, layout] = themed(figures[plot.dataset.figure]);
      await plotly.newPlot(plot, data, layout, { responsive: true, displaylogo: false,
        modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d'] });
    } catch (error) {
      plot.classList.add('empty');
      plot.textContent = 'This chart needs a browser of 2023 or later.';
      throw error;
    }
  }

  function recolour() {
    for (const plot of document.querySelectorAll('.plot.js-plotly-plot')) {
      const [data, layout] = themed(figures[plot.dataset.figure]);
      // what was switched off in the legend stays so
      data.forEach((trace, place) => { trace.visible = plot.data[place].visible; });
      window.Plotly.react(plot, data, layout);
    }
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: '300px' });
  document.querySelectorAll('.plot').forEach((plot) => seen.observe(plot));
  const idle = (callback) => (window.requestIdleCallback
    ? window.requestIdleCallback(callback, { timeout: 1000 }) : setTimeout(callback, 200));
  async function drawNext() {
    const plot = [...document.querySelectorAll('.plot:not([data-drawn])')]
      .find((one) => one.offsetParent);
    if (!plot) return;
    await draw(plot);
    idle(drawNext);
  }
  window.addEventListener('load', () => idle(drawNext));
  dark.addEventListener('change', recolour);
  window.addEventListener('beforeprint', () => { printing = true; recolour(); });
  window.addEventListener('afterprint', () => { printing = false; recolour(); });

  document.querySelectorAll('[data-confusion]').forEach((button) => {
    button.addEventListener('click', () => {
      const plot = button.closest('figure').querySelector('.plot');
      const spec = figures[plot.dataset.figure];
      const shares = button.dataset.confusion === 'rows';
      const [trace] = spec.data;
      trace.z = shares ? spec.rows : spec.counts;
      trace.zmax = shares ? 1 : Math.max(1, ...spec.counts.flat());
      trace.colorbar.tickformat = shares ? '.0%' : '~s';
      if (trace.texttemplate) trace.texttemplate = shares ? '%{z:.0%}' : '%{z:.2~s}';
      trace.hovertemplate = 'truth %{y}<br>prediction %{x}<br>'
        + (shares ? '%{z:.1%}<extra></extra>' : '%{z:,} pixels<extra></extra>');
      for (const other of button.parentElement.children) {
        other.setAttribute('aria-pressed', String(other === button));
      }
      recolour();
    });
  });
})();
