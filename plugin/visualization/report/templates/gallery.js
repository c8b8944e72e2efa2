// Images: filtered by kind and class, with a slider between truth and prediction.
(() => {
  'use strict';
  const galleries = JSON.parse(document.getElementById('galleries').textContent);
  const find = (name) => document.getElementById(name);
  const viewer = find('viewer');
  if (!viewer) return;
  const stage = viewer.querySelector('.stage');
  const LAYERS = ['compare', 'input', 'truth', 'prediction', 'errors'];
  const state = { view: Number((find('view') || { value: 0 }).value), group: 'worst', only: '',
    layer: 'compare', place: 0 };
  let shown = [];

  const gallery = () => ({ pictures: [], classes: [], palette: [], ...galleries[state.view] });
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  const press = (buttons, chosen) => buttons.forEach(
    (button) => button.setAttribute('aria-pressed', String(button === chosen)));
  const layerButtons = [...viewer.querySelectorAll('[data-layer]')];
  const groupButtons = [...document.querySelectorAll('[data-group]')];

  function setImage(element, address) {
    element.hidden = !address;
    if (address) element.src = address;
    else element.removeAttribute('src');
  }

  function showLayer() {
    const image = shown[state.place];
    if (!image) return;
    for (const button of layerButtons) {
      const name = button.dataset.layer;
      button.disabled = !(name === 'compare' ? image.prediction : image[name]);
    }
    const compare = state.layer === 'compare';
    // an image of any shape is seen whole
    stage.style.maxWidth = `min(46rem, ${(72 * image.size[1]) / image.size[0]}vh)`;
    const left = image.truth ? 'truth' : 'input';
    const single = image[state.layer] ? state.layer : 'prediction';
    stage.classList.toggle('compare', compare);
    setImage(find('base'), image.input);
    setImage(find('left'), compare ? image[left] : null);
    setImage(find('right'), compare ? image.prediction : single === 'input' ? null : image[single]);
    stage.querySelector('.tag-left').textContent = compare ? left : single;
    stage.querySelector('.tag-right').textContent = compare ? 'prediction' : '';
    find('base').alt = `${image.name}: ${compare ? `${left} beside prediction` : single}`;
    find('wipe').disabled = !compare;
    press(layerButtons, layerButtons.find(
      (button) => button.dataset.layer === (compare ? 'compare' : single)));
  }

  function legend(image) {
    const { classes, palette } = gallery();
    find('legend').replaceChildren(...image.classes.map((id) => {
      const entry = document.createElement('li');
      if (palette[id] && image.errors) {
        const swatch = document.createElement('span');
        swatch.className = 'swatch';
        swatch.style.background = `rgb(${palette[id].join(', ')})`;
        entry.append(swatch);
      }
      entry.append(classes[id]);
      return entry;
    }));
  }

  function show(place) {
    state.place = Math.max(0, Math.min(place, shown.length - 1));
    const image = shown[state.place];
    viewer.hidden = !image;
    if (!image) return;
    const parts = [image.name];
    if (image.score !== null) parts.push(`${gallery().score} ${percent(image.score)}`);
    if (image.text) parts.push(image.text);
    find('viewer-name').textContent = `${state.place + 1} of ${shown.length}: ${parts.join(', ')}`;
    legend(image);
    showLayer();
    [...find('thumbs').querySelectorAll('button')].forEach((button, number) => {
      if (number === state.place) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    });
  }

  function thumb(image, place) {
    const entry = document.createElement('li');
    const button = document.createElement('button');
    const preview = document.createElement('img');
    button.type = 'button';
    preview.src = image.input;
    preview.alt = '';
    const text = document.createElement('span');
    text.textContent = image.score === null ? image.name : percent(image.score);
    button.setAttribute('aria-label', `${image.name} ${image.score === null ? '' : text.textContent}`);
    button.append(preview, text);
    button.addEventListener('click', () => show(place));
    entry.append(button);
    return entry;
  }

  function filter() {
    const { pictures: images } = gallery();
    shown = images.filter((image) => (
      (state.group === 'all' || image.groups.includes(state.group))
      && (state.only === '' || image.classes.includes(Number(state.only)))));
    if (state.group !== 'random' && state.group !== 'all') {
      const sign = state.group === 'worst' ? 1 : -1;
      shown.sort((one, other) => sign * (one.score - other.score));
    }
    find('gallery-count').textContent = shown.length === 1 ? '1 image'
      : `${shown.length || 'no'} images${shown.length ? '' : ' of this kind with this class'}`;
    find('thumbs').replaceChildren(...shown.map(thumb));
    show(0);
  }

  function open() {
    const { classes, pictures: images, total, label, left_out: leftOut } = gallery();
    const option = (value, text) => Object.assign(document.createElement('option'),
      { value, textContent: text });
    const present = new Set(images.flatMap((image) => image.classes));
    find('class').replaceChildren(option('', 'any class'),
      ...classes.map((name, id) => [name, id]).filter(([, id]) => present.has(id))
        .map(([name, id]) => option(id, name)));
    state.only = '';
    groupButtons.forEach((button) => {
      button.disabled = button.dataset.group !== 'all'
        && !images.some((image) => image.groups.includes(button.dataset.group));
    });
    let chosen = groupButtons.find((button) => button.dataset.group === state.group);
    if (chosen.disabled) chosen = groupButtons[groupButtons.length - 1];
    state.group = chosen.dataset.group;
    press(groupButtons, chosen);
    find('gallery-note').textContent = images.length
      ? `${label}: ${images.length} of ${total} images`
        + (leftOut ? `; ${leftOut} more are left out to keep this file small` : '')
      : `${label || 'This evaluation'} left no images.`;
    filter();
  }

  groupButtons.forEach((button) => button.addEventListener('click', () => {
    state.group = button.dataset.group;
    press(groupButtons, button);
    filter();
  }));
  find('class').addEventListener('change', (event) => {
    state.only = event.target.value;
    filter();
  });
  layerButtons.forEach((button) => button.addEventListener('click', () => {
    state.layer = button.dataset.layer;
    showLayer();
  }));
  const wipe = (value) => stage.style.setProperty('--wipe', `${value}%`);
  find('wipe').addEventListener('input', (event) => wipe(event.target.value));
  find('opacity').addEventListener('input', (event) => (
    stage.style.setProperty('--opacity', event.target.value / 100)));
  const drag = (event) => {
    if (!event.buttons || state.layer !== 'compare') return;
    const box = stage.getBoundingClientRect();
    const value = Math.max(0, Math.min(100, (100 * (event.clientX - box.left)) / box.width));
    find('wipe').value = value;
    wipe(value);
  };
  stage.addEventListener('pointerdown', drag);
  stage.addEventListener('pointermove', drag);
  find('gallery').addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches('input, select')) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const layer = LAYERS[Number(event.key) - 1];
    if (step) show(state.place + step);
    else if (layer && !layerButtons.find((one) => one.dataset.layer === layer).disabled) {
      state.layer = layer;
      showLayer();
    } else return;
    event.preventDefault();
  });
  document.addEventListener('view', (event) => {
    state.view = event.detail;
    open();
  });
  open();
})();
