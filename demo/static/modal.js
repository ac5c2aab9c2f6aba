// A form that the bot opens.

import { h, icon } from './dom.js';
import { act } from './net.js';
import { markdown } from './markdown.js';
import { unsupported } from './components.js';
import { FilePick } from './files.js';

// Each field gives its element and, when it is sent, its value.
const FIELDS = {
  4: (part) => {
    const long = part.style === 2;
    const input = h(long ? 'textarea' : 'input', { class: 'input', rows: long ? 4 : undefined, placeholder: part.placeholder, required: part.required !== false, minlength: part.min_length, maxlength: part.max_length });
    input.value = part.value ?? '';
    return [input, () => input.value];
  },
  3: (part) => {
    const several = (part.max_values ?? 1) > 1;
    const select = h('select', { class: 'select', multiple: several, required: part.required !== false },
      !several && h('option', { value: '' }, part.placeholder ?? 'Make a selection'),
      part.options.map((option) => h('option', { value: option.value, selected: option.default }, option.label)));
    return [select, () => [...select.selectedOptions].map((option) => option.value).filter(Boolean)];
  },
  19: (part) => {
    const most = part.max_values ?? 1;
    const picks = [];
    const box = h('div', { class: 'tiles' });
    const more = () => {
      if (picks.length >= most || picks.some((pick) => !pick.file)) return;
      const pick = new FilePick({ name: 'file', description: `up to ${most}`, changed: more, required: part.required !== false && picks.length < (part.min_values ?? 1) });
      picks.push(pick);
      box.append(pick.root);
    };
    more();
    return [box, () => Promise.all(picks.filter((pick) => pick.file).map((pick) => pick.uploaded()))];
  },
  21: (part) => {
    const box = optionList(part, 'radio');
    return [box, () => box.querySelector(':checked')?.value ?? null];
  },
  22: (part) => {
    const box = optionList(part, 'checkbox');
    return [box, () => [...box.querySelectorAll(':checked')].map((input) => input.value)];
  },
  23: (part) => {
    const input = h('input', { type: 'checkbox', class: 'check' });
    input.checked = Boolean(part.default);
    return [input, () => input.checked];
  },
};

const optionList = (part, type) => h('div', { class: 'option-list', role: type === 'radio' ? 'radiogroup' : 'group' }, part.options.map((option) =>
  h('label', { class: 'option' }, h('input', { type, name: part.custom_id, value: option.value, checked: option.default, required: type === 'radio' && part.required }), h('span', {}, option.label, option.description && h('small', { class: 'row-about' }, option.description)))));

export function showModal({ modal, key }, world, finish) {
  const values = new Map();
  const field = (part) => {
    if (!FIELDS[part.type]) return unsupported('This kind of field is not part of the demo.');
    const [element, value] = FIELDS[part.type](part);
    values.set(part.custom_id, value);
    return element;
  };
  const row = (part) => {
    if (part.type === 10) return markdown(part.content, world);
    if (part.type === 18) return labelled(part.label, part.description, field(part.component), part.component);
    if (part.type === 1) return part.components.map((child) => labelled(child.label, '', field(child), child));
    return unsupported('This part of the form is not part of the demo.');
  };
  const problem = h('p', { class: 'modal-problem', role: 'alert' });
  const send = h('button', { class: 'button button-primary', type: 'submit' }, 'Submit');
  const form = h('form', { class: 'modal-form' }, modal.components.flatMap(row), problem,
    h('div', { class: 'modal-foot' }, h('button', { class: 'button button-secondary', type: 'button', onclick: () => dialog.close() }, 'Cancel'), send));
  const dialog = h('dialog', { class: 'modal', 'aria-label': modal.title },
    h('header', { class: 'modal-head' }, h('span', { class: 'avatar avatar-bot avatar-small', 'aria-hidden': 'true' }), h('h2', {}, modal.title), h('button', { class: 'head-button', type: 'button', 'aria-label': 'Close', onclick: () => dialog.close() }, icon('close'))), form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      const filled = {};
      for (const [id, value] of values) {
        const given = await value();
        if (given !== null) filled[id] = given;
      }
      const outcome = await act('modal', { viewer: world.viewer, key, values: filled });
      if (outcome.error) throw new Error(outcome.error);
      dialog.close();
      finish(outcome);
    } catch (error) {
      problem.textContent = error.message;
      send.disabled = false;
    }
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function labelled(label, description, element, part) {
  const tag = [21, 22, 19].includes(part.type) ? 'div' : 'label';
  return h(tag, { class: `field${part.type === 23 ? ' field-check' : ''}` }, h('span', { class: 'field-label' }, label, part.required !== false && part.type !== 23 && h('span', { class: 'needed', 'aria-label': 'required' }, ' *')), description && h('span', { class: 'row-about' }, description), element);
}
