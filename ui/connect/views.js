// Showing views: those that the server rendered, and the states that the page carries along.
const Views = (() => {
  'use strict';

  const { body, root, now, tell } = Page;

  /** Fills {app} and the like; values never become markup. */
  function fill(node, values) {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      walker.currentNode.nodeValue = walker.currentNode.nodeValue.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    }
  }

  /** Says something to people who do not see the page. */
  function announce(text) {
    document.getElementById('live').textContent = text;
  }

  function swap(view) {
    document.getElementById('view').replaceWith(view);
    if ('scheme' in view.dataset) applyBrand(view.dataset);
    document.getElementById('back').classList.toggle('away', !('back' in view.dataset));
    const title = view.querySelector('#title');
    if (title) document.title = title.textContent;
    const focus = view.querySelector('#alert') || (matchMedia('(pointer: fine)').matches && view.querySelector('#search')) || title;
    if (focus) focus.focus({ preventScroll: true });
    // The title is read because it has the focus.
    const hint = view.querySelector('[data-hint]');
    announce(hint ? hint.textContent : '');
  }

  function show(name, values = {}) {
    const view = document.getElementById(`state-${name}`).content.firstElementChild.cloneNode(true);
    fill(view, { app: now.wanted ? now.wanted.app : '', ...values });
    const emblem = view.querySelector('.emblem');
    if (emblem && now.wanted && now.wanted.tile && !['expired', 'offline', 'gone'].includes(name)) {
      emblem.classList.add('has-tile');
      emblem.prepend(now.wanted.tile.cloneNode(true));
    }
    const details = view.querySelector('details');
    if (details && values.detail) {
      details.hidden = false;
      details.open = Boolean(values.open);
      details.querySelector('[data-detail]').textContent = values.detail;
    }
    if (now.wanted && now.wanted.back && ['denied', 'closed', 'blocked', 'approval', 'unready', 'failed'].includes(name)) view.dataset.back = '';
    swap(view);
  }

  /** Shows what went wrong with a request, and tells the page around. */
  function fail(error) {
    if (!error || !error.state) throw error;
    show(error.state, { detail: error.detail });
    if (error.state === 'expired') tell('error', { errorType: 'unknown_connect_session_token', errorMessage: 'The connect session has expired' });
    if (error.state === 'failed' || error.state === 'gone') tell('error', { errorType: error.type, errorMessage: error.detail });
  }

  function applyBrand(brand) {
    if (!root.hasAttribute('data-fixed')) {
      if (brand.scheme === 'light' || brand.scheme === 'dark') root.dataset.theme = brand.scheme;
      else delete root.dataset.theme;
    }
    for (const name of ['light', 'dark']) {
      if (!brand[name]) continue;
      root.style.setProperty(`--primary-${name}`, brand[name]);
      root.style.setProperty(`--primary-${name}-ink`, brand[`${name}Ink`]);
    }
    const place = document.getElementById('brand');
    place.replaceChildren();
    if (/^https:/.test(brand.logo || '')) {
      const image = new Image();
      image.src = brand.logo;
      image.alt = '';
      image.referrerPolicy = 'no-referrer';
      place.append(image);
    }
    if (brand.product) {
      const name = document.createElement('span');
      name.textContent = brand.product;
      place.append(name);
    }
    const identity = document.getElementById('identity');
    identity.hidden = !brand.identity;
    // Isolated: a name has a direction of its own.
    identity.textContent = brand.identity ? body.dataset.connectingAs.replace('{name}', `\u2068${brand.identity}\u2069`) : '';
  }

  return { show, swap, fail, announce };
})();
