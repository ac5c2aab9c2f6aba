// The line at the bottom of a pane: text, or a command with its options and files.

import { h, icon, toast } from './dom.js';
import { act } from './net.js';
import { FilePick, accepts } from './files.js';

const ATTACHMENT = 11, BOOLEAN = 5, INTEGER = 4, NUMBER = 10, STRING = 3;
const SUPPORTED = [ATTACHMENT, BOOLEAN, INTEGER, NUMBER, STRING];

export class Composer {
  constructor({ world, place, done }) {
    Object.assign(this, { world, place, done });
    this.command = null;
    this.fields = new Map();
    this.files = [];
    this.text = h('textarea', { class: 'composer-text', rows: 1, 'aria-label': 'Message, or / for commands', placeholder: 'Message' });
    this.text.addEventListener('input', () => this.typed());
    this.text.addEventListener('keydown', (event) => this.key(event));
    this.picker = h('div', { class: 'picker', role: 'listbox', 'aria-label': 'Commands', hidden: true });
    this.chosenFiles = h('div', { class: 'loose-files' });
    const chooser = h('input', { type: 'file', multiple: true, hidden: true, onchange: () => { this.takeFiles([...chooser.files]); chooser.value = ''; } });
    this.shortcuts = h('div', { class: 'shortcuts' });
    this.line = h('div', { class: 'composer-line' },
      h('button', { class: 'composer-button', type: 'button', 'aria-label': 'Attach files', onclick: () => chooser.click() }, icon('plus')), chooser,
      this.text, this.shortcuts,
      h('button', { class: 'composer-button composer-send', type: 'button', 'aria-label': 'Send', onclick: () => this.say() }, icon('send')));
    this.form = h('form', { class: 'command', hidden: true, onsubmit: (event) => { event.preventDefault(); this.run(); } });
    this.form.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.preventDefault(); this.close(); } });
    this.root = h('div', { class: 'composer' }, this.picker, this.form, this.chosenFiles, this.line);
  }

  commands() { return leaves(this.world.commands[this.place()]?.slash ?? []); }

  draw() {
    const name = this.world.placeName(this.place()) ?? '';
    this.text.placeholder = this.world.threads[this.place()] ? `Message ${name}` : `Message #${name}`;
    const main = this.commands().find((each) => each.options.some((option) => option.type === ATTACHMENT)) ?? this.commands()[0];
    this.shortcuts.replaceChildren(...(main ? [h('button', { class: 'shortcut', type: 'button', title: main.description, onclick: () => this.open(main) }, `/${main.name}`)] : []));
  }

  // ── text ─────────────────────────────────────────────────────────────────────────────────────

  typed() {
    this.text.style.height = 'auto';
    this.text.style.height = `${Math.min(this.text.scrollHeight, 160)}px`;
    const typed = this.text.value;
    if (!typed.startsWith('/')) { this.picker.hidden = true; return; }
    const wanted = typed.slice(1).trim().toLowerCase();
    const found = this.commands().filter((each) => each.name.startsWith(wanted));
    this.picker.hidden = false;
    this.picker.replaceChildren(h('div', { class: 'picker-title' }, this.world.people[this.world.bot] ?? ''),
      ...(found.length ? found.map((each, index) => h('button', {
        class: `picker-item${index === 0 ? ' picker-first' : ''}`, type: 'button', role: 'option', 'aria-selected': String(index === 0), onclick: () => this.open(each),
      }, h('span', { class: 'avatar avatar-bot avatar-small', 'aria-hidden': 'true' }), h('span', { class: 'picker-name' }, `/${each.name}`), h('span', { class: 'picker-about' }, each.description)))
        : [h('div', { class: 'picker-none' }, 'No such command here')]));
  }

  key(event) {
    if (!this.picker.hidden && ['ArrowDown', 'ArrowUp', 'Tab', 'Enter'].includes(event.key)) {
      const items = [...this.picker.querySelectorAll('.picker-item')];
      const at = items.findIndex((item) => item.classList.contains('picker-first'));
      event.preventDefault();
      if (!items.length) return;
      if (event.key === 'Enter' || event.key === 'Tab') { items[at].click(); return; }
      const next = (at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length;
      items.forEach((item, index) => { item.classList.toggle('picker-first', index === next); item.setAttribute('aria-selected', String(index === next)); });
      items[next].scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Escape' && !this.picker.hidden) {
      event.preventDefault();
      this.picker.hidden = true;
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.say();
    }
  }

  async say() {
    const text = this.text.value.trim();
    if (text.startsWith('/')) { this.typed(); return; }
    if (!text && !this.files.length) return;
    const files = this.files;
    this.files = [];
    this.text.value = '';
    this.typed();
    try {
      const uploads = [];
      for (const pick of files) uploads.push(await pick.uploaded());
      this.chosenFiles.replaceChildren();
      this.done(await act('say', { viewer: this.world.viewer, channel: this.place(), text, files: uploads }));
    } catch (error) { toast(error.message); }
  }

  // ── files ────────────────────────────────────────────────────────────────────────────────────

  // Dropped or pasted files go to the open command, else they open the one that takes files.
  takeFiles(files) {
    const main = this.command ?? this.commands().find((each) => each.options.some((option) => option.type === ATTACHMENT));
    const media = files.every((file) => /^(image|video)\//.test(file.type) || /\.(heic|heif|mov|avif|mkv)$/i.test(file.name));
    if (!main || (!this.command && !media)) { this.attachLoose(files); return; }
    if (!this.command) this.open(main);
    for (const file of files) {
      const open = [...this.fields.values()].filter((field) => field.pick && !field.pick.file);
      const field = open.find((each) => accepts(each.option, file)) ?? open[0];
      field?.pick.choose(file);
    }
  }

  attachLoose(files) {
    for (const file of files) {
      const pick = new FilePick({ name: 'file', description: '', changed: () => { if (!pick.file) { this.files = this.files.filter((each) => each !== pick); pick.root.remove(); } } });
      pick.choose(file);
      this.files.push(pick);
      this.chosenFiles.append(pick.root);
    }
    this.text.focus();
  }

  // ── a command ────────────────────────────────────────────────────────────────────────────────

  open(command) {
    this.command = command;
    this.fields = new Map();
    this.picker.hidden = true;
    this.text.value = '';
    this.tiles = h('div', { class: 'tiles' });
    this.rows = h('div', { class: 'rows' });
    this.more = h('div', { class: 'more-options' });
    this.send = h('button', { class: 'button button-primary command-run', type: 'submit' }, 'Send');
    this.hint = h('span', { class: 'command-hint', role: 'status' });
    this.form.replaceChildren(
      h('div', { class: 'command-head' }, h('span', { class: 'avatar avatar-bot avatar-small', 'aria-hidden': 'true' }), h('strong', { class: 'command-title' }, `/${command.name}`), h('span', { class: 'command-about' }, command.description),
        h('button', { class: 'head-button', type: 'button', 'aria-label': 'Leave the command', onclick: () => this.close() }, icon('close'))),
      this.tiles, this.rows, this.more, h('div', { class: 'command-foot' }, this.hint, this.send));
    this.form.hidden = false;
    this.line.hidden = true;
    for (const option of command.options) if (option.required || option.type === ATTACHMENT) this.add(option);
    this.drawMore();
    this.check();
    this.form.querySelector('input, select, textarea, button[type=submit]')?.focus();
  }

  close() {
    this.fields.forEach((field) => field.pick?.clear());
    this.command = null;
    this.form.hidden = true;
    this.line.hidden = false;
    this.text.focus();
  }

  add(option) {
    const field = makeField(option, () => this.check(), () => this.remove(option));
    this.fields.set(option.name, field);
    (field.pick ? this.tiles : this.rows).append(field.root);
    return field;
  }

  remove(option) {
    this.fields.get(option.name).root.remove();
    this.fields.delete(option.name);
    this.drawMore();
    this.check();
  }

  drawMore() {
    const left = this.command.options.filter((option) => !this.fields.has(option.name));
    this.more.replaceChildren(...left.map((option) => h('button', {
      class: 'chip', type: 'button', title: option.description, disabled: !SUPPORTED.includes(option.type),
      onclick: () => { const field = this.add(option); this.drawMore(); this.check(); field.root.querySelector('input, select, textarea')?.focus(); },
    }, `+ ${option.name}`)));
  }

  check() {
    const missing = this.command.options.filter((option) => option.required && !this.fields.get(option.name)?.filled());
    this.send.disabled = missing.length > 0;
    this.hint.textContent = missing.length ? `Still needed: ${missing.map((option) => option.name).join(', ')}` : '';
  }

  async run() {
    if (this.send.disabled) return;
    const { command } = this;
    const place = this.place();
    this.send.disabled = true;
    this.send.textContent = 'Sending …';
    try {
      const options = {};
      for (const [name, field] of this.fields) if (field.filled()) options[name] = await field.value();
      const outcome = act('slash', { viewer: this.world.viewer, channel: place, command: command.name, options });
      this.close();
      this.done(await outcome);
    } catch (error) {
      toast(error.message);
      if (this.command === command) { this.send.textContent = 'Send'; this.check(); }
    }
  }
}

// Subcommands are offered by their whole path.
function leaves(commands) {
  const walk = (command, path) => {
    const below = (command.options ?? []).filter((option) => option.type <= 2);
    if (below.length) return below.flatMap((each) => walk(each, `${path} ${each.name}`));
    return [{ name: path, description: command.description, options: command.options ?? [] }];
  };
  return commands.flatMap((command) => walk(command, command.name));
}

function makeField(option, changed, remove) {
  if (option.type === ATTACHMENT) {
    const pick = new FilePick({ name: option.name, description: option.description, changed, required: option.required });
    return { option, pick, root: pick.root, filled: () => Boolean(pick.file), value: () => pick.uploaded() };
  }
  const input = control(option);
  input.addEventListener('input', changed);
  const root = h('div', { class: 'row' }, h('label', { class: 'row-label' }, h('span', { class: 'row-name' }, option.name), input, h('span', { class: 'row-about' }, option.description)),
    !option.required && h('button', { class: 'head-button', type: 'button', 'aria-label': `Remove ${option.name}`, onclick: remove }, icon('close')));
  return { option, root, filled: () => input.value !== '' && input.checkValidity(), value: () => typed(option, input.value) };
}

function control(option) {
  const choice = (pairs) => h('select', { class: 'select' }, h('option', { value: '' }, 'Choose …'), pairs.map(([name, value]) => h('option', { value }, name)));
  if (option.choices?.length) return choice(option.choices.map((each) => [each.name, each.value]));
  if (option.type === BOOLEAN) return choice([['True', 'true'], ['False', 'false']]);
  if (option.type === INTEGER || option.type === NUMBER) return h('input', { class: 'input', type: 'number', step: option.type === INTEGER ? 1 : 'any', min: option.min_value, max: option.max_value });
  if (option.type !== STRING) return h('input', { class: 'input', disabled: true, placeholder: 'This kind of option is not part of the demo' });
  return h('textarea', { class: 'input', rows: 1, minlength: option.min_length, maxlength: option.max_length });
}

function typed(option, value) {
  if (option.type === BOOLEAN) return value === 'true';
  return option.type === INTEGER || option.type === NUMBER ? Number(value) : value;
}
