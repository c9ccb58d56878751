// What the parts of the page share: where it is shown, whose session it has, what is going on, and how it talks to the
// page around and to the server.
const Page = (() => {
  'use strict';

  const body = document.body;
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const inFrame = window.parent !== window;
  const isLink = root.hasAttribute('data-link');
  const base = location.pathname.replace(/\/*$/, '/');
  const ANSWER_MAX_MS = 90_000;

  const now = {
    token: body.dataset.token,
    wanted: null, // the form that is shown, for going back and trying again
    attempt: null, // the window that is open at the provider
    finished: false, // an account was connected
  };

  function tell(type, payload) {
    // The SDK checks the origin of messages; who embeds the page is the frame policy's business.
    if (inFrame) window.parent.postMessage(payload ? { type, payload } : { type }, '*');
  }

  async function ask(method, path, params, data) {
    const url = new URL(base + path, location.origin);
    url.searchParams.set('lang', root.lang);
    for (const [name, value] of Object.entries(params || {})) url.searchParams.set(name, value);
    const headers = { Accept: 'text/html, application/json' };
    if (now.token) headers.Authorization = `Bearer ${now.token}`;
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

  return { body, root, card: document.getElementById('card'), query, inFrame, isLink, now, tell, ask, parse };
})();
