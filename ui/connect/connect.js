// The Connect UI. The server renders what is shown; this script carries the session, the window at the provider and the
// messages of the frontend SDK.
(() => {
  'use strict';

  const body = document.body;
  const root = document.documentElement;
  const card = document.getElementById('card');
  const query = new URLSearchParams(location.search);
  const inFrame = window.parent !== window;
  const isLink = root.hasAttribute('data-link');
  const base = location.pathname.replace(/\/*$/, '/');
  const detectsClosing = query.get('detectClosedAuthWindow') === 'true';
  const CLOSED_CHECK_MS = 400;
  const CLOSED_GRACE_MS = 1200;
  const SOCKET_WAIT_MS = 4000;

  let token = body.dataset.token;
  let wanted = null; // the form that is shown, for going back and trying again
  let attempt = null; // the window that is open at the provider

  // ---- Talking to the page around, and to the server

  function tell(type, payload) {
    // The SDK checks the origin of messages; who embeds the page is the frame policy's business.
    if (inFrame) window.parent.postMessage(payload ? { type, payload } : { type }, '*');
  }

  async function ask(method, path, params, data) {
    const url = new URL(base + path, location.origin);
    url.searchParams.set('lang', root.lang);
    for (const [name, value] of Object.entries(params || {})) url.searchParams.set(name, value);
    const headers = { Accept: 'text/html, application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (data) headers['Content-Type'] = 'application/json';
    let answer;
    try {
      answer = await fetch(url, { method, headers, body: data ? JSON.stringify(data) : undefined, cache: 'no-store', credentials: 'same-origin' });
    } catch {
      throw { state: 'offline' };
    }
    if (answer.status === 401) throw { state: 'expired' };
    const text = await answer.text();
    const isPage = (answer.headers.get('content-type') || '').startsWith('text/html');
    if (!answer.ok && !(answer.status === 422 && isPage)) {
      let error = {};
      try { error = JSON.parse(text).error || {}; } catch { /* not from us */ }
      throw { state: 'failed', status: answer.status, type: error.code || 'unknown_error', detail: error.message || error.code || `HTTP ${answer.status}` };
    }
    return { status: answer.status, text };
  }

  function parse(html) {
    return new DOMParser().parseFromString(html, 'text/html').getElementById('view');
  }

  // ---- Showing views

  /** Fills {app} and the like; values never become markup. */
  function fill(node, values) {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      walker.currentNode.nodeValue = walker.currentNode.nodeValue.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    }
  }

  function swap(view) {
    document.getElementById('view').replaceWith(view);
    if ('scheme' in view.dataset) applyBrand(view.dataset);
    document.getElementById('back').classList.toggle('away', !('back' in view.dataset));
    const title = view.querySelector('#title');
    if (title) document.title = title.textContent;
    const focus = view.querySelector('#alert') || (matchMedia('(pointer: fine)').matches && view.querySelector('#search')) || title;
    if (focus) focus.focus({ preventScroll: true });
  }

  function show(name, values = {}) {
    const view = document.getElementById(`state-${name}`).content.firstElementChild.cloneNode(true);
    fill(view, { app: wanted ? wanted.app : '', ...values });
    const details = view.querySelector('details');
    if (details && values.detail) {
      details.hidden = false;
      details.querySelector('[data-detail]').textContent = values.detail;
    }
    if (wanted && wanted.back && ['denied', 'closed', 'blocked', 'failed'].includes(name)) view.dataset.back = '';
    swap(view);
  }

  /** Shows what went wrong with a request, and tells the page around. */
  function fail(error) {
    if (!error || !error.state) throw error;
    show(error.state, { detail: error.detail });
    if (error.state === 'expired') tell('error', { errorType: 'unknown_connect_session_token', errorMessage: 'The connect session has expired' });
    if (error.state === 'failed') tell('error', { errorType: error.type, errorMessage: error.detail });
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
    if (brand.logo) {
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
    identity.textContent = brand.identity ? body.dataset.connectingAs.replace('{name}', brand.identity) : '';
  }

  // ---- The list

  async function openView(key) {
    abandon();
    try {
      const { text } = await ask('GET', 'view', key ? { integration: key } : {});
      const view = parse(text);
      if (view.dataset.view === 'form') openForm(view);
      else openList(view);
    } catch (error) {
      fail(error);
    }
  }

  function openList(view) {
    wanted = null;
    swap(view);
    const choices = [...view.querySelectorAll('.choice')];
    const visible = () => choices.filter((choice) => !choice.parentElement.hidden);
    for (const choice of choices) choice.addEventListener('click', () => openView(choice.dataset.key));
    const search = view.querySelector('#search');
    if (search) {
      const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
      search.addEventListener('input', () => {
        const words = plain(search.value).split(/\s+/).filter(Boolean);
        for (const choice of choices) choice.parentElement.hidden = !words.every((word) => plain(choice.dataset.words).includes(word));
        const count = visible().length;
        const none = view.querySelector('#none');
        none.hidden = count > 0;
        none.textContent = none.dataset.text.replace('{query}', search.value.trim());
        view.querySelector('#count').textContent = count ? body.dataset.count.replace('{count}', count) : none.textContent;
      });
    }
    view.addEventListener('keydown', (event) => {
      const order = visible();
      const at = order.indexOf(document.activeElement);
      const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: at < 0 ? null : 0, End: at < 0 ? null : order.length - 1 }[event.key];
      if (event.key === 'Enter' && event.target === search && order.length) {
        event.preventDefault();
        order[0].click();
      } else if (move !== undefined && move !== null && order.length) {
        event.preventDefault();
        if (move < 0 && search) search.focus();
        else order[Math.max(0, Math.min(move, order.length - 1))].focus();
      }
    });
  }

  // ---- Forms

  function openForm(view, typed) {
    const { key, app, kind } = view.dataset;
    wanted = { key, app, kind, back: 'back' in view.dataset, again: 'reconnects' in view.dataset };
    swap(view);
    const form = view.querySelector('#form');
    // What was typed stays in the browser: the server does not send secrets back.
    for (const [name, value] of Object.entries(typed || {})) {
      const input = form.elements.namedItem(name);
      if (input) input.value = value;
    }
    const refresh = () => {
      for (const field of form.querySelectorAll('[data-shown-by]')) {
        const other = form.elements.namedItem(field.dataset.shownBy);
        field.hidden = !other || other.closest('.field').hidden || other.value !== field.dataset.shownValue;
        for (const input of field.querySelectorAll('input, select, textarea')) input.disabled = field.hidden;
      }
    };
    form.addEventListener('input', refresh);
    refresh();
    for (const input of form.querySelectorAll('input[type="text"]')) {
      // People paste the whole address where its first part is asked for.
      input.addEventListener('change', () => {
        const [before, after] = ['.affix:not(.after)', '.affix.after'].map((part) => input.parentElement.querySelector(part)?.textContent);
        let value = input.value.trim();
        if (before && value.startsWith(before)) value = value.slice(before.length);
        if (after && value.replace(/\/+$/, '').endsWith(after)) value = value.replace(/\/+$/, '').slice(0, -after.length);
        input.value = value;
      });
    }
    for (const button of form.querySelectorAll('[data-reveal]')) {
      button.addEventListener('click', () => {
        const input = document.getElementById(button.dataset.reveal);
        const hidden = input.type === 'password';
        input.type = hidden ? 'text' : 'password';
        button.setAttribute('aria-pressed', String(hidden));
        button.textContent = hidden ? body.dataset.hide : body.dataset.show;
        input.focus();
      });
    }
    for (const button of form.querySelectorAll('[data-copy]')) {
      button.addEventListener('click', async () => {
        const input = document.getElementById(button.dataset.copy);
        input.select();
        try { await navigator.clipboard.writeText(input.value); button.textContent = body.dataset.copied; } catch { /* it is selected */ }
      });
    }
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!form.dataset.busy) send(form);
    });
    const wrong = form.querySelector('[aria-invalid="true"]');
    if (wrong && 'refused' in view.dataset === false) wrong.focus();
  }

  function values(form) {
    const found = {};
    for (const [name, value] of new FormData(form)) found[name] = value;
    return found;
  }

  /** Sends a form. For popups the window opens first: browsers allow it during the click only. */
  function send(form) {
    const typed = values(form);
    const { kind } = wanted;
    wanted.typed = typed;
    if (kind !== 'popup' || !form.checkValidity()) {
      post(form, typed, null);
      return;
    }
    const opened = openWindow();
    if (!opened) {
      show('blocked');
      tell('error', { errorType: 'blocked_by_browser', errorMessage: 'The browser blocked the window' });
      return;
    }
    attempt = startAttempt(opened);
    post(form, typed, attempt);
  }

  async function post(form, typed, attempt) {
    busy(form, true);
    try {
      const page = attempt ? await attempt.page : null;
      const { status, text } = await ask('POST', 'connect', { integration: wanted.key }, { values: typed, page });
      const view = parse(text);
      if (view.dataset.view === 'popup') {
        if (attempt && attempt.live) {
          attempt.go(view.dataset.url);
          show('waiting');
        }
      } else if (view.dataset.view === 'connected') {
        connected({ key: view.dataset.key, id: view.dataset.connectionId, pending: view.dataset.pending === 'true' });
      } else {
        if (attempt) abandon(true);
        if ('refused' in view.dataset) tell('error', { errorType: 'connection_test_failed', errorMessage: 'The provider did not accept the credentials' });
        openForm(view, status === 422 ? typed : null);
      }
    } catch (error) {
      if (attempt) abandon(true);
      fail(error);
    }
  }

  function busy(form, on) {
    const button = form.querySelector('#submit');
    form.dataset.busy = on ? '1' : '';
    if (!on || !button) return;
    button.setAttribute('aria-disabled', 'true');
    const spinner = document.createElement('span');
    spinner.className = 'spinner';
    spinner.setAttribute('aria-hidden', 'true');
    button.replaceChildren(spinner, document.createTextNode(body.dataset.checking.replace('{app}', wanted.app)));
  }

  // ---- The window at the provider

  function openWindow() {
    const [width, height] = [560, 720];
    const left = Math.max(0, (screen.width - width) / 2);
    const top = Math.max(0, (screen.height - height) / 2);
    const opened = window.open('about:blank', '_blank', `popup=yes,width=${width},height=${height},left=${left},top=${top}`);
    return opened && !opened.closed ? opened : null;
  }

  /** Follows one window: its outcome comes by WebSocket, or from the window itself where no socket gets through. */
  function startAttempt(opened) {
    const one = { live: true, page: null, url: null };
    const socket = new WebSocket(`${body.dataset.sockets.replace(/\/$/, '')}/`);
    one.page = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), SOCKET_WAIT_MS);
      const settle = (id) => { clearTimeout(timer); resolve(id); };
      socket.addEventListener('error', () => settle(null));
      socket.addEventListener('message', (event) => {
        const message = JSON.parse(event.data);
        if (message.message_type === 'connection_ack') settle(message.ws_client_id);
        if (!one.live) return;
        if (message.message_type === 'success') {
          connected({ key: message.provider_config_key, id: message.connection_id, pending: message.is_pending });
        } else if (message.message_type === 'error') {
          refused(message.error_type, message.error_desc);
        }
      });
    });
    const channel = 'BroadcastChannel' in window ? new BroadcastChannel('nango-oauth-callback') : null;
    const heard = (data) => {
      if (!one.live || !data || typeof data.type !== 'string') return;
      if (data.type === 'nango_oauth_callback_error') {
        // The socket says the same with a code; it may be a moment late.
        setTimeout(() => one.live && refused('callback_err', data.payload && data.payload.message), CLOSED_GRACE_MS);
      } else if (data.type === 'nango_oauth_callback_success' && data.connectionId) {
        setTimeout(() => one.live && connected({ key: data.providerConfigKey, id: data.connectionId, pending: false }), CLOSED_GRACE_MS);
      }
    };
    const onMessage = (event) => { if (event.source === opened) heard(event.data); };
    window.addEventListener('message', onMessage);
    // The channel is shared by every window of this origin; the window itself is the better source when it has one.
    if (channel) channel.onmessage = (event) => { if (opened.closed) heard(event.data); };
    let closedAt = 0;
    const timer = setInterval(() => {
      if (!opened.closed) { closedAt = 0; return; }
      closedAt = closedAt || Date.now();
      if (Date.now() - closedAt < CLOSED_GRACE_MS || one.saidClosed) return;
      // Some providers cut the tie to their window, which then looks closed. So the outcome is still listened for.
      one.saidClosed = true;
      show('closed');
      if (detectsClosing) tell('error', { errorType: 'window_closed', errorMessage: 'The window was closed before the account was connected' });
    }, CLOSED_CHECK_MS);
    one.go = (url) => { one.url = url; opened.location.replace(url); };
    one.focus = () => opened.focus();
    one.end = (close) => {
      one.live = false;
      clearInterval(timer);
      window.removeEventListener('message', onMessage);
      if (channel) channel.close();
      socket.close();
      if (close) try { opened.close(); } catch { /* no longer ours */ }
    };
    return one;
  }

  function abandon(close) {
    if (!attempt) return;
    attempt.end(close);
    attempt = null;
  }

  function refused(type, detail) {
    abandon(false);
    const denied = /access_denied|user_denied|consent_required|user_cancel/i.test(detail || '');
    show(denied ? 'denied' : 'failed', { detail });
    tell('error', { errorType: type || 'unknown_error', errorMessage: detail || '' });
  }

  function connected({ key, id, pending }) {
    const late = attempt;
    attempt = null;
    // The window says so itself and closes; give it the time.
    if (late) setTimeout(() => late.end(true), 800);
    if (late) late.live = false;
    show(pending ? 'pending' : wanted && wanted.again ? 'success-again' : 'success');
    tell('connect', { providerConfigKey: key, connectionId: id, isPending: Boolean(pending) });
    if (isLink) ask('POST', 'finish').catch(() => { /* it ends by itself */ });
  }

  // ---- Buttons

  const does = {
    close: () => {
      abandon(true);
      tell('close');
    },
    retry: () => openView(wanted ? wanted.key : null).then(restore),
    reload: () => (wanted ? openView(wanted.key).then(restore) : begin()),
    focus: () => attempt && attempt.focus(),
    cancel: () => {
      abandon(true);
      openView(wanted.key).then(restore);
    },
    claim: async () => {
      try {
        const { text } = await ask('POST', 'claim', {}, { token: query.get('session_token') });
        token = JSON.parse(text).token;
        await openView(null);
      } catch (error) {
        if (error && error.type === 'link_claimed') show('elsewhere');
        else fail(error);
      }
    },
  };

  /** After trying again, what was typed is still there. */
  let kept = null;
  function restore() {
    const form = document.getElementById('form');
    if (!form || !kept) return;
    for (const [name, value] of Object.entries(kept)) {
      const input = form.elements.namedItem(name);
      if (input) input.value = value;
    }
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (!button) return;
    kept = wanted && wanted.typed;
    does[button.dataset.do]();
  });
  document.getElementById('close').addEventListener('click', does.close);
  document.getElementById('back').addEventListener('click', () => openView(null));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !inFrame || event.defaultPrevented) return;
    const search = document.getElementById('search');
    if (search && search.value) {
      search.value = '';
      search.dispatchEvent(new Event('input'));
      search.focus();
    } else {
      does.close();
    }
  });
  document.getElementById('stage').addEventListener('pointerdown', (event) => {
    // A window at the provider is not thrown away by a stray click.
    if (inFrame && event.target.id === 'stage' && !attempt) does.close();
  });
  // The dialog keeps the focus, as the page around cannot be reached behind it.
  card.addEventListener('keydown', (event) => {
    if (event.key !== 'Tab' || !inFrame) return;
    const stops = [...card.querySelectorAll('button, input, select, textarea, a[href], summary')].filter((stop) => stop.checkVisibility({ visibilityProperty: true }) && !stop.disabled);
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  });

  /** Above 0.179 black is easier to read on a colour than white. */
  function luminance(colour) {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // ---- Beginning

  function begin() {
    const { start } = body.dataset;
    if (start === 'session') openView(null);
    else if (start === 'ask') show('ask');
    else if (start !== 'embedded') show(start);
    else if (!inFrame) show('invalid');
    else tell('ready');
  }

  window.addEventListener('message', (event) => {
    if (!inFrame || event.source !== window.parent || !event.data) return;
    if (event.data.type === 'session_token' && typeof event.data.sessionToken === 'string') {
      token = event.data.sessionToken;
      openView(null);
    }
    if (event.data.type === 'settings_changed' && query.get('preview') === 'true' && event.data.payload) {
      const { theme = {}, defaultTheme } = event.data.payload;
      if (['light', 'dark'].includes(defaultTheme)) root.dataset.theme = defaultTheme;
      else delete root.dataset.theme;
      for (const name of ['light', 'dark']) {
        const colour = theme[name] && theme[name].primary;
        if (!/^#[0-9a-f]{6}$/i.test(colour || '')) continue;
        root.style.setProperty(`--primary-${name}`, colour);
        root.style.setProperty(`--primary-${name}-ink`, luminance(colour) > 0.179 ? '#000000' : '#ffffff');
      }
    }
  });

  begin();
})();
