// Forms: what is shown when, pasting, revealing, copying. Checking is the server's.
const Form = (() => {
  'use strict';

  const { body, now } = Page;

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

  /** Shows the fields whose condition holds. */
  function followConditions(form) {
    const refresh = () => {
      for (const field of form.querySelectorAll('[data-shown-by]')) {
        const other = form.elements.namedItem(field.dataset.shownBy);
        field.hidden = !other || other.closest('.field').hidden || other.value !== field.dataset.shownValue;
        for (const input of field.querySelectorAll('input, select, textarea')) input.disabled = field.hidden;
      }
    };
    form.addEventListener('input', refresh);
    refresh();
  }

  /** Cuts down what is pasted. */
  function cleanAddresses(form) {
    for (const input of form.querySelectorAll('input[type="text"]')) {
      const [before, after] = ['.affix:not(.after)', '.affix.after'].map((part) => input.parentElement.querySelector(part)?.textContent);
      const clean = () => { if (!input.readOnly) input.value = withoutAffixes(input.value, before, after); };
      input.addEventListener('change', clean);
      // The pasted text is in the field once the event is over.
      input.addEventListener('paste', () => setTimeout(clean));
    }
  }

  /** Buttons that show what is hidden. */
  function wireReveals(form) {
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
  }

  /** Buttons that copy what is shown. */
  function wireCopies(form) {
    for (const button of form.querySelectorAll('[data-copy]')) {
      button.addEventListener('click', async () => {
        const input = document.getElementById(button.dataset.copy);
        input.select();
        try { await navigator.clipboard.writeText(input.value); button.textContent = body.dataset.copied; Views.announce(body.dataset.copied); } catch { /* it is selected */ }
      });
    }
  }

  /** What was typed stays in the browser: the server does not send secrets back. */
  function fillIn(form, typed) {
    for (const [name, value] of Object.entries(typed || {})) {
      const input = form.elements.namedItem(name);
      if (input) input.value = value;
    }
  }

  function open(view, typed) {
    const { key, app, kind } = view.dataset;
    now.wanted = { key, app, kind, back: 'back' in view.dataset, again: 'reconnects' in view.dataset, tile: view.querySelector('.tile'), typed };
    Views.swap(view);
    const form = view.querySelector('#form');
    fillIn(form, typed);
    followConditions(form);
    cleanAddresses(form);
    wireReveals(form);
    wireCopies(form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!form.dataset.busy) Attempt.send(form);
    });
    const wrong = form.querySelector('[aria-invalid="true"]');
    if (wrong && 'refused' in view.dataset === false) wrong.focus();
  }

  function values(form) {
    const found = {};
    for (const [name, value] of new FormData(form)) found[name] = value;
    return found;
  }

  function busy(form, on) {
    const button = form.querySelector('#submit');
    form.dataset.busy = on ? '1' : '';
    if (!on || !button) return;
    button.setAttribute('aria-disabled', 'true');
    const spinner = document.createElement('span');
    spinner.className = 'spinner';
    spinner.setAttribute('aria-hidden', 'true');
    const text = body.dataset.checking.replace('{app}', now.wanted.app);
    button.replaceChildren(spinner, document.createTextNode(text));
    Views.announce(text);
  }

  return { open, fillIn, values, busy };
})();
