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
  const ANSWER_MAX_MS = 90_000;
  const LOADING_AFTER_MS = 250;

  let token = body.dataset.token;
  let wanted = null; // the form that is shown, for going back and trying again
  let attempt = null; // the window that is open at the provider
  let finished = false; // an account was connected

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
      const signal = AbortSignal.timeout(ANSWER_MAX_MS);
      answer = await fetch(url, { method, headers, body: data ? JSON.stringify(data) : undefined, cache: 'no-store', credentials: 'same-origin', signal });
    } catch {
      throw { state: 'offline' };
    }
    if (answer.status === 401) throw { state: 'expired' };
    // What stands in front of the server says that it does not answer.
    if ([502, 503, 504].includes(answer.status)) throw { state: 'offline' };
    const text = await answer.text().catch(() => { throw { state: 'offline' }; });
    const isPage = (answer.headers.get('content-type') || '').startsWith('text/html');
    if (!answer.ok && !(answer.status === 422 && isPage)) {
      let error = {};
      try { error = JSON.parse(text).error || {}; } catch { /* not from us */ }
      const gone = ['unknown_provider_config', 'unknown_provider_template', 'integration_not_allowed'].includes(error.code);
      throw { state: gone ? 'gone' : 'failed', status: answer.status, type: error.code || 'unknown_error', detail: error.message || error.code || `HTTP ${answer.status}` };
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
    fill(view, { app: wanted ? wanted.app : '', ...values });
    const emblem = view.querySelector('.emblem');
    if (emblem && wanted && wanted.tile && !['expired', 'offline', 'gone'].includes(name)) {
      emblem.classList.add('has-tile');
      emblem.prepend(wanted.tile.cloneNode(true));
    }
    const details = view.querySelector('details');
    if (details && values.detail) {
      details.hidden = false;
      details.open = Boolean(values.open);
      details.querySelector('[data-detail]').textContent = values.detail;
    }
    if (wanted && wanted.back && ['denied', 'closed', 'blocked', 'approval', 'unready', 'failed'].includes(name)) view.dataset.back = '';
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

  // ---- The list

  let opening = 0; // counts views, so that a slow answer does not replace a newer one

  async function openView(key) {
    abandon();
    opening += 1;
    const mine = opening;
    const slow = setTimeout(() => mine === opening && show('loading'), LOADING_AFTER_MS);
    try {
      const { text } = await ask('GET', 'view', key ? { integration: key } : {});
      if (mine !== opening) return;
      const view = parse(text);
      if (view.dataset.view === 'form') openForm(view);
      else openList(view);
    } catch (error) {
      if (mine === opening) fail(error);
    } finally {
      clearTimeout(slow);
    }
  }

  /** A link has the page for itself, so the browser's way back leads from a form to the list. */
  function go(key) {
    if (isLink && key) history.pushState({ key }, '');
    openView(key);
  }
  window.addEventListener('popstate', (event) => {
    // What is connected, or has ended, is not taken back.
    if (!isLink || !token || finished) return;
    abandon(true);
    keep();
    openView(event.state ? event.state.key : null).then(restore);
  });

  function openList(view) {
    wanted = null;
    swap(view);
    const choices = [...view.querySelectorAll('.choice')];
    const visible = () => choices.filter((choice) => !choice.parentElement.hidden);
    for (const choice of choices) choice.addEventListener('click', () => go(choice.dataset.key));
    const search = view.querySelector('#search');
    if (search) {
      const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
      search.addEventListener('input', () => {
        const words = plain(search.value).split(/\s+/).filter(Boolean);
        for (const choice of choices) choice.parentElement.hidden = !words.every((word) => plain(choice.dataset.words).includes(word));
        const count = visible().length;
        const none = view.querySelector('#none');
        none.hidden = count > 0;
        const text = none.querySelector('.hint');
        text.textContent = text.dataset.text.replace('{query}', search.value.trim());
        announce(count ? body.dataset.count.replace('{count}', count) : text.textContent);
      });
      view.querySelector('#clear').addEventListener('click', clearSearch);
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

  function clearSearch() {
    const search = document.getElementById('search');
    search.value = '';
    search.dispatchEvent(new Event('input'));
    search.focus();
  }

  // ---- Forms

  /** People paste the whole address where its first part is asked for: what the page shows around it is cut off. */
  function withoutAffixes(text, before, after) {
    let value = text.trim();
    const lower = () => value.toLowerCase();
    if (before && lower().startsWith(before.toLowerCase())) value = value.slice(before.length);
    else if (before === 'https://' && lower().startsWith('http://')) value = value.slice('http://'.length);
    if (after) {
      // A path behind it came along.
      const at = lower().indexOf(after.toLowerCase());
      const rest = at < 0 ? '' : value.slice(at + after.length);
      if (at >= 0 && (rest === '' || '/?#'.includes(rest[0]))) value = value.slice(0, at);
      else if (/^[^/?#]+[/]+$/.test(value)) value = value.replace(/[/]+$/, '');
    }
    return value;
  }

  function openForm(view, typed) {
    const { key, app, kind } = view.dataset;
    wanted = { key, app, kind, back: 'back' in view.dataset, again: 'reconnects' in view.dataset, tile: view.querySelector('.tile'), typed };
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
      const [before, after] = ['.affix:not(.after)', '.affix.after'].map((part) => input.parentElement.querySelector(part)?.textContent);
      const clean = () => { if (!input.readOnly) input.value = withoutAffixes(input.value, before, after); };
      input.addEventListener('change', clean);
      // The pasted text is in the field once the event is over.
      input.addEventListener('paste', () => setTimeout(clean));
    }
    for (const button of form.querySelectorAll('[data-reveal]')) {
      button.addEventListener('click', () => {
        const input = document.getElementById(button.dataset.reveal);
        const hidden = input.type === 'password';
        input.type = hidden ? 'text' : 'password';
        button.setAttribute('aria-pressed', String(hidden));
        button.textContent = hidden ? body.dataset.hide : body.dataset.show;
        button.setAttribute('aria-label', button.getAttribute('aria-label').replace(/^[^:]*/, button.textContent));
        input.focus();
      });
    }
    for (const button of form.querySelectorAll('[data-copy]')) {
      button.addEventListener('click', async () => {
        const input = document.getElementById(button.dataset.copy);
        input.select();
        try { await navigator.clipboard.writeText(input.value); button.textContent = body.dataset.copied; announce(body.dataset.copied); } catch { /* it is selected */ }
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
    const opened = ProviderWindow.open();
    const ink = getComputedStyle(card);
    if (opened) {
      const style = { background: ink.backgroundColor, color: ink.color, font: ink.font };
      ProviderWindow.furnish(opened, body.dataset.opening.replace('{app}', wanted.app), root.lang, root.dir, style);
    }
    attempt = startAttempt(opened);
    post(form, typed, attempt);
  }

  /** A blocked window opens from a link: with a click of its own, and as an ordinary page if need be. */
  function offerLink(url) {
    show('blocked');
    const link = document.querySelector('#view [data-do="open"]');
    link.href = url;
    link.addEventListener('click', (event) => {
      if (!attempt) return;
      const opened = ProviderWindow.open(url);
      if (opened) {
        attempt.adopt(opened);
        event.preventDefault();
      }
      setTimeout(() => attempt && attempt.live && show('waiting'));
    });
    tell('error', { errorType: 'blocked_by_browser', errorMessage: 'The browser blocked the window' });
  }

  async function post(form, typed, attempt) {
    busy(form, true);
    try {
      const page = attempt ? await attempt.page : null;
      const theme = root.hasAttribute('data-fixed') ? { theme: root.dataset.theme } : {};
      const { status, text } = await ask('POST', 'connect', { integration: wanted.key, ...theme }, { values: typed, page });
      const view = parse(text);
      if (view.dataset.view === 'popup') {
        if (attempt && attempt.live) {
          attempt.go(view.dataset.url);
          if (attempt.opened) show('waiting');
          else offerLink(view.dataset.url);
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
    const text = body.dataset.checking.replace('{app}', wanted.app);
    button.replaceChildren(spinner, document.createTextNode(text));
    announce(text);
  }

  // ---- The window at the provider

  /** Follows a window, or waits for one. */
  function startAttempt(opened) {
    return ProviderWindow.follow(opened, {
      sockets: body.dataset.sockets,
      connected,
      refused,
      closed: () => {
        show('closed');
        if (detectsClosing) tell('error', { errorType: 'window_closed', errorMessage: 'The window was closed before the account was connected' });
      },
    });
  }

  function abandon(close) {
    if (!attempt) return;
    attempt.end(close);
    attempt = null;
  }

  function refused(type, detail) {
    abandon(false);
    const denied = /access_denied|user_denied|consent_required|user_cancel/i.test(detail || '');
    const states = {
      approval_pending: 'approval',
      provider_config_err: 'unready',
      unknown_config_key: 'unready',
      unknown_connect_session_token: 'expired',
      integration_not_allowed: 'gone',
    };
    // The product's own check speaks to the person; everything else to whoever helps them.
    const open = type === 'connection_validation_failed';
    show(denied ? 'denied' : states[type] || 'failed', { detail, open });
    tell('error', { errorType: type || 'unknown_error', errorMessage: detail || '' });
  }

  function connected({ key, id, pending }) {
    const late = attempt;
    finished = true;
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
    open: () => { /* a link: see offerLink */ },
    list: () => openView(null),
    reload: () => (wanted || token ? openView(wanted ? wanted.key : null).then(restore) : begin()),
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
  function keep() {
    if (wanted) kept = { key: wanted.key, typed: wanted.typed };
  }
  function restore() {
    const form = document.getElementById('form');
    if (!form || !kept || kept.key !== wanted.key) return;
    for (const [name, value] of Object.entries(kept.typed || {})) {
      const input = form.elements.namedItem(name);
      if (input) input.value = value;
    }
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (!button) return;
    keep();
    does[button.dataset.do]();
  });
  document.getElementById('close').addEventListener('click', does.close);
  document.getElementById('back').addEventListener('click', () => (isLink && history.state ? history.back() : openView(null)));
  // Back on line: no need to ask for another try.
  window.addEventListener('online', () => { if (document.getElementById('view').dataset.view === 'offline') { keep(); does.reload(); } });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !inFrame || event.defaultPrevented) return;
    const search = document.getElementById('search');
    if (search && search.value) {
      clearSearch();
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
