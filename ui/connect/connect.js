// The Connect UI. The server renders what is shown; the scripts carry the session, the window at the provider and the
// messages of the frontend SDK. Here is what begins it all: buttons, keys, and the messages of the page around.
(() => {
  'use strict';

  const { body, root, card, query, inFrame, isLink, now, ask, tell } = Page;

  const does = {
    close: () => {
      Attempt.abandon(true);
      tell('close');
    },
    retry: () => Navigation.again(),
    open: () => { /* a link: see offerLink */ },
    list: () => Navigation.openView(null),
    reload: () => (now.wanted || now.token ? Navigation.again() : begin()),
    focus: () => now.attempt && now.attempt.focus(),
    cancel: () => {
      Attempt.abandon(true);
      Navigation.again();
    },
    claim: async () => {
      try {
        const { text } = await ask('POST', 'claim', {}, { token: query.get('session_token') });
        now.token = JSON.parse(text).token;
        await Navigation.openView(null);
      } catch (error) {
        if (error && error.type === 'link_claimed') Views.show('elsewhere');
        else Views.fail(error);
      }
    },
  };

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (!button) return;
    Navigation.keep();
    does[button.dataset.do]();
  });
  document.getElementById('close').addEventListener('click', does.close);
  document.getElementById('back').addEventListener('click', () => (isLink && history.state ? history.back() : Navigation.openView(null)));
  // Back on line: no need to ask for another try.
  window.addEventListener('online', () => { if (document.getElementById('view').dataset.view === 'offline') { Navigation.keep(); does.reload(); } });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !inFrame || event.defaultPrevented) return;
    const search = document.getElementById('search');
    if (search && search.value) {
      List.clearSearch();
    } else {
      does.close();
    }
  });
  document.getElementById('stage').addEventListener('pointerdown', (event) => {
    // A window at the provider is not thrown away by a stray click.
    if (inFrame && event.target.id === 'stage' && !now.attempt) does.close();
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

  function begin() {
    const { start } = body.dataset;
    if (start === 'session') Navigation.openView(null);
    else if (start === 'ask') Views.show('ask');
    else if (start !== 'embedded') Views.show(start);
    else if (!inFrame) Views.show('invalid');
    else tell('ready');
  }

  window.addEventListener('message', (event) => {
    if (!inFrame || event.source !== window.parent || !event.data) return;
    if (event.data.type === 'session_token' && typeof event.data.sessionToken === 'string') {
      now.token = event.data.sessionToken;
      Navigation.openView(null);
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
