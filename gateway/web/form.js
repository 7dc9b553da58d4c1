// A small form that tells the gateway something and says what came of it.
import { h } from './dom.js';
import { t } from './text.js';

function token() {
  try { return sessionStorage.getItem('token'); } catch { return null; }
}

export async function post(address, body) {
  const headers = { 'Content-Type': 'application/json' };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  let response;
  try {
    response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch {
    return { ok: false, sentence: t('failed.network') };
  }
  if (response.status === 401) {
    document.getElementById('token').hidden = false;
    return { ok: false, sentence: t('token.needed') };
  }
  const answer = await response.json().catch(() => ({}));
  return response.ok ? { ok: true, answer } : { ok: false, sentence: t('failed', { reason: answer.error || response.status }) };
}

let forms = 0;

// fields: [{name, label(), maxlength}]; every text is a function, so that update() can say it in the other language.
export function form_of({ fields, button, note, address, done }) {
  const id = `form-${++forms}`;
  const inputs = fields.map((field) => h('input', { id: `${id}-${field.name}`, name: field.name, required: true, maxlength: field.maxlength, autocomplete: 'off', spellcheck: 'false' }));
  const labels = fields.map((field) => h('label', { for: `${id}-${field.name}` }));
  const submit = h('button', { type: 'submit' });
  const note_line = h('p', { class: 'quiet' });
  const result = h('p', { class: 'result', role: 'status' });
  const element = h('form', { class: 'small-form' }, note ? note_line : null, fields.map((_, i) => h('div', { class: 'field' }, labels[i], inputs[i])), submit, result);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]));
    submit.disabled = true;
    result.className = 'result';
    result.textContent = '…';
    const outcome = await post(address, body);
    submit.disabled = element.classList.contains('closed');
    result.className = outcome.ok ? 'result good' : 'result bad';
    result.textContent = outcome.ok ? done(body) : outcome.sentence;
    if (outcome.ok) element.reset();
  });
  return {
    element,
    update(open = true, why_not = '') {
      fields.forEach((field, i) => { labels[i].textContent = field.label(); });
      submit.textContent = button();
      submit.disabled = !open;
      submit.title = open ? '' : why_not;
      element.classList.toggle('closed', !open);
      if (note) note_line.textContent = open ? note() : why_not || note();
      note_line.hidden = !note_line.textContent;
    },
  };
}
