// Which view is shown: fetching it, going back, and trying again with what was typed.
const Navigation = (() => {
  'use strict';

  const { isLink, now, ask, parse } = Page;
  const LOADING_AFTER_MS = 250;

  let opening = 0; // counts views, so that a slow answer does not replace a newer one

  async function openView(key) {
    Attempt.abandon();
    opening += 1;
    const mine = opening;
    const slow = setTimeout(() => mine === opening && Views.show('loading'), LOADING_AFTER_MS);
    try {
      const { text } = await ask('GET', 'view', key ? { integration: key } : {});
      if (mine !== opening) return;
      const view = parse(text);
      if (view.dataset.view === 'form') Form.open(view);
      else List.open(view);
    } catch (error) {
      if (mine === opening) Views.fail(error);
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
    if (!isLink || !now.token || now.finished) return;
    Attempt.abandon(true);
    keep();
    openView(event.state ? event.state.key : null).then(restore);
  });

  /** After trying again, what was typed is still there. */
  let kept = null;
  function keep() {
    if (now.wanted) kept = { key: now.wanted.key, typed: now.wanted.typed };
  }
  function restore() {
    const form = document.getElementById('form');
    if (form && kept && kept.key === now.wanted.key) Form.fillIn(form, kept.typed);
  }

  /** The view that is wanted, once more. */
  const again = () => openView(now.wanted ? now.wanted.key : null).then(restore);

  return { go, keep, again, openView };
})();
