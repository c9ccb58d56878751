// The page that a window ends on: tells the page that opened it, and closes.
(() => {
  'use strict';

  const message = JSON.parse(document.body.dataset.message);
  const CLOSES_AFTER_MS = 500;
  const close = () => window.close();
  const isAck = (event) => event.data && event.data.type === 'nango_oauth_callback_ack';
  window.addEventListener('message', (event) => { if (isAck(event)) close(); });
  try {
    const channel = new BroadcastChannel('nango-oauth-callback');
    channel.onmessage = (event) => { if (isAck(event)) close(); };
    channel.postMessage(message);
  } catch { /* an old browser: the opener hears it directly */ }
  // Who opened the window is not known here; nothing secret is in the message.
  if (window.opener) window.opener.postMessage(message, '*');
  document.getElementById('done').addEventListener('click', close);
  document.getElementById('title').focus({ preventScroll: true });
  if (document.body.dataset.name === 'success') setTimeout(close, CLOSES_AFTER_MS);
})();
