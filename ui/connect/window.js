// The window at the provider: opening it, following it, and hearing what came of it.
const ProviderWindow = (() => {
  'use strict';

  const CHECK_MS = 200;
  // A window that has done its work closes itself, and its message may be a moment late.
  const GRACE_MS = 700;
  const SOCKET_WAIT_MS = 4000;
  const [WIDTH, HEIGHT] = [560, 720];

  /** Opens a window; null when the browser does not allow it. Browsers do during a click only. */
  function open(url = 'about:blank') {
    const left = Math.max(0, (screen.width - WIDTH) / 2);
    const top = Math.max(0, (screen.height - HEIGHT) / 2);
    const opened = window.open(url, '_blank', `popup=yes,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`);
    return opened && !opened.closed ? opened : null;
  }

  /** Something to look at until the window knows where to go. */
  function furnish(opened, text, lang, dir, style) {
    try {
      const { document } = opened;
      document.title = text;
      Object.assign(document.documentElement, { lang, dir });
      document.body.textContent = text;
      Object.assign(document.body.style, { margin: '0', minHeight: '100vh', display: 'grid', placeItems: 'center', ...style });
    } catch { /* not ours: some browsers are strict */ }
  }

  /**
   * Follows one window: its outcome comes by WebSocket, or from the window itself where no socket gets through, or where
   * it broke off because the server started anew. Without a window (`opened` is null) it is followed once it opens.
   */
  function follow(opened, { sockets, closed, connected, refused }) {
    const one = { live: true, page: null, url: null, opened };
    const origin = new URL(sockets.replace(/^ws/, 'http')).origin;
    const socket = new WebSocket(`${sockets.replace(/\/$/, '')}/`);
    let heardAt = 0;
    one.page = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), SOCKET_WAIT_MS);
      const settle = (id) => { clearTimeout(timer); resolve(id); };
      socket.addEventListener('error', () => settle(null));
      socket.addEventListener('close', () => settle(null));
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
    const heard = (data) => {
      if (!one.live || !data || typeof data.type !== 'string') return;
      const later = (say) => { heardAt = Date.now(); setTimeout(() => one.live && say(), GRACE_MS); };
      // The socket says the same, and is the better source.
      if (data.type === 'nango_oauth_callback_error') {
        later(() => refused(data.errorType || 'callback_err', data.payload && data.payload.message));
      } else if (data.type === 'nango_oauth_callback_success' && data.connectionId) {
        later(() => connected({ key: data.providerConfigKey, id: data.connectionId, pending: Boolean(data.isPending) }));
      }
    };
    const onMessage = (event) => {
      if (one.opened ? event.source === one.opened : event.origin === origin) heard(event.data);
    };
    window.addEventListener('message', onMessage);
    // The channel is shared by every window of this origin; the window itself is the better source while it is there.
    const channel = 'BroadcastChannel' in window ? new BroadcastChannel('nango-oauth-callback') : null;
    if (channel) channel.onmessage = (event) => { if (!one.opened || one.opened.closed) heard(event.data); };
    let closedAt = 0;
    let saidClosed = false;
    const timer = setInterval(() => {
      if (!one.opened || !one.opened.closed) { closedAt = 0; return; }
      closedAt = closedAt || Date.now();
      if (Date.now() - closedAt < GRACE_MS || Date.now() - heardAt < 2 * GRACE_MS || saidClosed) return;
      // Some providers cut the tie to their window, which then looks closed. So the outcome is still listened for.
      saidClosed = true;
      closed();
    }, CHECK_MS);
    /** Sends the window to the provider. */
    one.go = (url) => {
      one.url = url;
      if (one.opened) one.opened.location.replace(url);
    };
    /** A window that opened after all. */
    one.adopt = (window) => { one.opened = window; };
    one.focus = () => one.opened && one.opened.focus();
    one.end = (close) => {
      one.live = false;
      clearInterval(timer);
      window.removeEventListener('message', onMessage);
      if (channel) channel.close();
      socket.close();
      if (close && one.opened) try { one.opened.close(); } catch { /* no longer ours */ }
    };
    return one;
  }

  return { open, furnish, follow };
})();
