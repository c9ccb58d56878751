// One attempt to connect: sending the form, the window at the provider, and what came of it.
const Attempt = (() => {
  'use strict';

  const { body, root, card, query, isLink, now, ask, parse, tell } = Page;
  const detectsClosing = query.get('detectClosedAuthWindow') === 'true';

  /** Sends a form. For popups the window opens first: browsers allow it during the click only. */
  function send(form) {
    const typed = Form.values(form);
    const { kind } = now.wanted;
    now.wanted.typed = typed;
    if (kind !== 'popup' || !form.checkValidity()) {
      post(form, typed, null);
      return;
    }
    const opened = ProviderWindow.open();
    const ink = getComputedStyle(card);
    if (opened) {
      const style = { background: ink.backgroundColor, color: ink.color, font: ink.font };
      ProviderWindow.furnish(opened, body.dataset.opening.replace('{app}', now.wanted.app), root.lang, root.dir, style);
    }
    now.attempt = follow(opened);
    post(form, typed, now.attempt);
  }

  /** A blocked window opens from a link: with a click of its own, and as an ordinary page if need be. */
  function offerLink(url) {
    Views.show('blocked');
    const link = document.querySelector('#view [data-do="open"]');
    link.href = url;
    link.addEventListener('click', (event) => {
      if (!now.attempt) return;
      const opened = ProviderWindow.open(url);
      if (opened) {
        now.attempt.adopt(opened);
        event.preventDefault();
      }
      setTimeout(() => now.attempt && now.attempt.live && Views.show('waiting'));
    });
    tell('error', { errorType: 'blocked_by_browser', errorMessage: 'The browser blocked the window' });
  }

  async function post(form, typed, attempt) {
    Form.busy(form, true);
    try {
      const page = attempt ? await attempt.page : null;
      const theme = root.hasAttribute('data-fixed') ? { theme: root.dataset.theme } : {};
      const { status, text } = await ask('POST', 'connect', { integration: now.wanted.key, ...theme }, { values: typed, page });
      const view = parse(text);
      if (view.dataset.view === 'popup') {
        if (attempt && attempt.live) {
          attempt.go(view.dataset.url);
          if (attempt.opened) Views.show('waiting');
          else offerLink(view.dataset.url);
        }
      } else if (view.dataset.view === 'connected') {
        connected({ key: view.dataset.key, id: view.dataset.connectionId, pending: view.dataset.pending === 'true' });
      } else {
        if (attempt) abandon(true);
        if ('refused' in view.dataset) tell('error', { errorType: 'connection_test_failed', errorMessage: 'The provider did not accept the credentials' });
        Form.open(view, status === 422 ? typed : null);
      }
    } catch (error) {
      if (attempt) abandon(true);
      Views.fail(error);
    }
  }

  /** Follows a window, or waits for one. */
  function follow(opened) {
    return ProviderWindow.follow(opened, {
      sockets: body.dataset.sockets,
      connected,
      refused,
      closed: () => {
        Views.show('closed');
        if (detectsClosing) tell('error', { errorType: 'window_closed', errorMessage: 'The window was closed before the account was connected' });
      },
    });
  }

  function abandon(close) {
    if (!now.attempt) return;
    now.attempt.end(close);
    now.attempt = null;
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
    Views.show(denied ? 'denied' : states[type] || 'failed', { detail, open });
    tell('error', { errorType: type || 'unknown_error', errorMessage: detail || '' });
  }

  function connected({ key, id, pending }) {
    const late = now.attempt;
    now.finished = true;
    now.attempt = null;
    // The window says so itself and closes; give it the time.
    if (late) setTimeout(() => late.end(true), 800);
    if (late) late.live = false;
    Views.show(pending ? 'pending' : now.wanted && now.wanted.again ? 'success-again' : 'success');
    tell('connect', { providerConfigKey: key, connectionId: id, isPending: Boolean(pending) });
    if (isLink) ask('POST', 'finish').catch(() => { /* it ends by itself */ });
  }

  return { send, abandon };
})();
