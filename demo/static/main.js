// The page: what is shown where, and what happens on a press.

import { h, icon, morph, toast } from './dom.js';
import { act, listen } from './net.js';
import { keepCounting } from './markdown.js';
import { keepFallingBack } from './components.js';
import { chosenIn } from './menus.js';
import { avatar, continues, messageElement } from './message.js';
import { Composer } from './composer.js';
import { showModal } from './modal.js';

const byId = (id) => document.getElementById(id);

const world = {
  viewer: sessionStorage.getItem('viewer') ?? '', bot: '', people: {}, roles: [], viewers: [], channels: [], threads: {}, commands: {},
  messages: new Map(), ready: false,
  placeName: (id) => world.threads[id]?.name ?? world.channels.find((each) => each.id === id)?.name,
  of: (channel) => [...world.messages.values()].filter((each) => each.channel === channel).sort((a, b) => (a.id.padStart(20, '0') < b.id.padStart(20, '0') ? -1 : 1)),
  lastWords(id) {
    const last = world.of(id).filter((each) => !each.ephemeral).at(-1);
    if (!last) return 'No messages yet';
    const text = last.content || last.components.flatMap(function texts(part) { return part.content ?? (part.components ?? []).flatMap(texts); })[0] || 'A message';
    return `${world.people[last.author.id] ?? ''}: ${text.split('\n')[0].replace(/<@!?(\d+)>/g, (_, who) => `@${world.people[who]}`).replace(/[#*_`]/g, '').trim()}`;
  },
};
const shown = { channel: null, thread: null };
const unread = new Map();
let source;
let stale = new Set();

// ── panes ──────────────────────────────────────────────────────────────────────────────────────

class Pane {
  constructor(root, kind) {
    this.root = root;
    this.kind = kind;
    this.place = null;
    this.header = h('header', { class: 'pane-head' });
    this.list = h('ol', { class: 'messages', role: 'log', 'aria-relevant': 'additions', 'aria-label': 'Messages' });
    this.scroller = h('div', { class: 'scroller', tabindex: 0 }, this.list);
    this.composer = new Composer({ world, place: () => this.place, done: (outcome) => finish(outcome) });
    root.append(this.header, this.scroller, this.composer.root);
    this.looks = new Map();
    this.atBottom = true;
    this.scroller.addEventListener('scroll', () => { this.atBottom = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 60; });
    new ResizeObserver(() => this.stick()).observe(this.list);
    new ResizeObserver(() => this.stick()).observe(this.scroller);
    root.addEventListener('dragover', (event) => { if (event.dataTransfer.types.includes('Files')) { event.preventDefault(); root.classList.add('dropping'); } });
    root.addEventListener('dragleave', (event) => { if (!root.contains(event.relatedTarget)) root.classList.remove('dropping'); });
    root.addEventListener('drop', (event) => { event.preventDefault(); root.classList.remove('dropping'); this.composer.takeFiles([...event.dataTransfer.files]); });
  }

  show(place) {
    const moved = this.place !== place;
    this.place = place;
    this.root.hidden = place === null;
    if (place === null) return;
    unread.delete(place);
    if (moved) { this.list.replaceChildren(); this.atBottom = true; }
    this.head();
    this.draw();
    this.composer.draw();
    if (moved) this.stick();
  }

  head() {
    const thread = world.threads[this.place];
    const channel = world.channels.find((each) => each.id === this.place);
    const wanted = h('header', { class: 'pane-head' },
      thread
        ? h('button', { class: 'head-button head-back', type: 'button', 'aria-label': 'Back to the channel', data: { close: 'thread' } }, icon('back'))
        : h('button', { class: 'head-button head-menu', type: 'button', 'aria-label': 'Show the channels', data: { drawer: 'toggle' } }, icon('menu'), [...unread.values()].some(Boolean) && h('span', { class: 'dot' })),
      icon(thread ? 'thread' : channel?.kind === 'voice' ? 'voice' : channel?.kind === 'forum' ? 'forum' : 'hash'),
      h('h1', { class: 'head-name' }, thread?.name ?? channel?.name ?? ''),
      channel?.topic && h('span', { class: 'topic' }, channel.topic),
      thread && h('button', { class: 'head-button head-close', type: 'button', 'aria-label': 'Close the thread', data: { close: 'thread' } }, icon('close')));
    morph(this.header, wanted);
  }

  draw() {
    const messages = world.of(this.place);
    const wanted = [[`b${this.place}`, JSON.stringify(world.commands[this.place] ?? ''), () => beginning(this.place)]];
    messages.forEach((message, index) => {
      const before = messages[index - 1];
      const looks = JSON.stringify([message, continues(message, before), world.people, message.thread && [world.threads[message.thread], world.lastWords(message.thread)]]);
      wanted.push([`m${message.id}`, looks, () => messageElement(message, before, world)]);
    });
    const present = new Map([...this.list.children].map((node) => [node.id, node]));
    let after = null;
    for (const [id, looks, make] of wanted) {
      let node = present.get(id);
      present.delete(id);
      // Only what looks different is made anew, so that nothing flickers and nothing is fetched twice.
      if (!node) node = make();
      else if (this.looks.get(id) !== looks) morph(node, make());
      this.looks.set(id, looks);
      const next = after ? after.nextSibling : this.list.firstChild;
      if (next !== node) this.list.insertBefore(node, next);
      after = node;
    }
    present.forEach((node) => node.remove());
  }

  stick() { if (this.atBottom) this.scroller.scrollTop = this.scroller.scrollHeight; }
}

function beginning(place) {
  const thread = world.threads[place];
  if (thread) {
    return h('li', { class: 'beginning', id: `b${place}` }, h('span', { class: 'beginning-mark' }, icon('thread')), h('h2', {}, thread.name),
      thread.for && h('p', {}, 'Started for ', h('strong', {}, world.people[thread.for] ?? 'someone'), ` in #${world.placeName(thread.parent)}`));
  }
  const first = world.commands[place]?.slash.find((command) => command.options.some((option) => option.type === 11));
  return h('li', { class: 'beginning', id: `b${place}` }, h('span', { class: 'beginning-mark' }, icon('hash')),
    h('h2', {}, `Welcome to #${world.placeName(place)}!`),
    h('p', {}, 'This server lives in your computer only. The bot is the real one; Discord around it is simulated, and an offline sandbox draws the clips. Prices are shown as they would be, but nobody pays.'),
    first && h('button', { class: 'button button-primary beginning-start', type: 'button', data: { command: first.name } }, `/${first.name}`, h('span', { class: 'beginning-hint' }, first.description)));
}

const panes = { channel: new Pane(byId('pane-channel'), 'channel'), thread: new Pane(byId('pane-thread'), 'thread') };

function go(place) {
  const thread = world.threads[place];
  shown.thread = thread ? place : null;
  shown.channel = thread ? thread.parent : place;
  byId('app').dataset.drawer = 'closed';
  draw();
  if (!thread || innerWidth < 760) (thread ? panes.thread : panes.channel).scroller.focus({ preventScroll: true });
}

function draw() {
  byId('app').dataset.thread = shown.thread ? 'open' : 'closed';
  panes.channel.show(shown.channel);
  panes.thread.show(shown.thread);
  drawDrawer();
}

function drawDrawer() {
  byId('server').textContent = world.server;
  const entry = (place, kind, extra = '') => h('button', {
    class: `place ${extra}${shown.thread === place.id || (!shown.thread && shown.channel === place.id) ? ' place-open' : ''}${unread.get(place.id) ? ' place-unread' : ''}`,
    type: 'button', data: { go: place.id },
  }, icon(kind), h('span', { class: 'place-name' }, place.name), unread.get(place.id) > 0 && h('span', { class: 'badge', 'aria-label': `${unread.get(place.id)} mentions` }, String(unread.get(place.id))));
  const kinds = { voice: 'voice', forum: 'forum', text: 'hash' };
  morph(byId('channels'), h('div', { class: 'channels', id: 'channels' }, world.channels.map((channel) => [
    entry(channel, kinds[channel.kind]),
    channel.threads.filter((thread) => !thread.archived || thread.id === shown.thread).map((thread) => entry(thread, 'thread', 'place-thread')),
  ])));
  byId('viewer-avatar').replaceWith(Object.assign(avatar(world.viewer, world), { id: 'viewer-avatar' }));
  const choice = byId('viewer-select');
  if (choice.options.length !== world.viewers.length) {
    choice.replaceChildren(...world.viewers.map((each) => h('option', { value: each.id }, `${world.people[each.id]} · ${each.role}`)));
  }
  choice.value = world.viewer;
}

// ── what the server tells ──────────────────────────────────────────────────────────────────────

function connect() {
  source?.close();
  source = listen(world.viewer, {
    connection: (up) => { byId('connection').hidden = up; },
    again: connect,
    hello: () => { stale = new Set(world.messages.keys()); },
    state: takeState,
    message: takeMessage,
    gone: ({ id }) => { world.messages.delete(id); later(); },
    complete: () => { stale.forEach((id) => world.messages.delete(id)); stale.clear(); world.ready = true; later(); },
  });
}

function takeState(state) {
  const known = world.threads;
  Object.assign(world, state);
  world.threads = Object.fromEntries(state.channels.flatMap((channel) => channel.threads).map((thread) => [thread.id, thread]));
  sessionStorage.setItem('viewer', world.viewer);
  if (!world.channels.some((channel) => channel.id === shown.channel)) [shown.channel, shown.thread] = [world.channels[0]?.id ?? null, null];
  if (shown.thread && !world.threads[shown.thread]) shown.thread = null;
  // The bot's answer to one's own command opens its thread by itself.
  const mine = Object.values(world.threads).find((thread) => !known[thread.id] && thread.for === world.viewer && thread.parent === shown.channel);
  if (world.ready && mine) shown.thread = mine.id;
  later();
}

function takeMessage(message) {
  const isNew = !world.messages.has(message.id);
  stale.delete(message.id);
  world.messages.set(message.id, message);
  if (isNew && world.ready && ![shown.channel, shown.thread].includes(message.channel)) {
    unread.set(message.channel, (unread.get(message.channel) ?? 0) + (message.for_viewer ? 1 : 0));
  }
  later();
}

let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => { waiting = false; if (world.channels.length) draw(); });
}

// ── presses ────────────────────────────────────────────────────────────────────────────────────

function finish(outcome) {
  if (outcome.error) toast(outcome.error);
  if (outcome.modal) showModal(outcome, world, finish);
}

const at = (element) => {
  const message = element.closest('[data-message][data-channel]');
  return { viewer: world.viewer, channel: message.dataset.channel, message: message.dataset.message };
};

const PRESSES = {
  go: (element) => {
    go(element.dataset.go);
    const target = element.dataset.message && byId(`m${element.dataset.message}`);
    target?.scrollIntoView({ block: 'center' });
  },
  close: () => go(shown.channel),
  drawer: () => { const app = byId('app'); app.dataset.drawer = app.dataset.drawer === 'open' ? 'closed' : 'open'; },
  command: (element) => panes.channel.composer.open(panes.channel.composer.commands().find((each) => each.name === element.dataset.command)),
  press: async (element) => {
    element.classList.add('button-busy');
    finish(await act('click', { ...at(element), custom_id: element.dataset.press }));
    element.classList.remove('button-busy');
  },
  chosen: async (element) => {
    const menu = element.closest('details');
    menu.open = false;
    await choose(menu);
  },
  menu: (element) => openMenu(element.closest('.message'), element),
};

async function choose(menu) {
  finish(await act('select', { ...at(menu), custom_id: menu.dataset.choose, kind: menu.dataset.kind, values: chosenIn(menu) }));
}

document.addEventListener('click', (event) => {
  if (!event.target.closest('.popup')) document.querySelector('.popup')?.remove();
  const spoiler = event.target.closest('.spoiler:not(.spoiler-shown), .spoiler-text');
  if (spoiler) { spoiler.classList.add('spoiler-shown'); if (!spoiler.matches('.spoiler-text')) event.preventDefault(); return; }
  for (const [name, press] of Object.entries(PRESSES)) {
    const element = event.target.closest(`[data-${name}]:is(button)`);
    if (element) { press(element); return; }
  }
});
document.addEventListener('change', (event) => { if (event.target.matches('select[data-choose]')) choose(event.target); });
document.addEventListener('contextmenu', (event) => {
  const message = event.target.closest('.message[data-channel]');
  if (!message || event.target.closest('a, video, input, textarea')) return;
  event.preventDefault();
  openMenu(message, message.querySelector('.tool'));
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return;
  const popup = document.querySelector('.popup');
  if (popup) popup.remove();
  else if (byId('app').dataset.drawer === 'open') PRESSES.drawer();
  else if (shown.thread && !document.querySelector('dialog[open]')) go(shown.channel);
});

function openMenu(message, anchor) {
  document.querySelector('.popup')?.remove();
  const commands = world.commands[message.dataset.channel]?.message ?? [];
  const popup = h('div', { class: 'popup', role: 'menu' },
    h('div', { class: 'popup-title' }, 'Apps'),
    commands.length ? commands.map((command) => h('button', {
      class: 'popup-item', role: 'menuitem', type: 'button',
      onclick: async () => { popup.remove(); finish(await act('menu', { ...at(message), command: command.name })); },
    }, command.name)) : h('div', { class: 'popup-none' }, 'No commands for messages here'),
    h('button', { class: 'popup-item', role: 'menuitem', type: 'button', onclick: () => { popup.remove(); navigator.clipboard?.writeText(message.dataset.message); } }, 'Copy message ID'));
  document.body.append(popup);
  const box = anchor.getBoundingClientRect();
  popup.style.top = `${Math.max(8, Math.min(innerHeight - popup.offsetHeight - 8, box.bottom + 4))}px`;
  popup.style.left = `${Math.max(8, Math.min(innerWidth - popup.offsetWidth - 8, box.right - popup.offsetWidth))}px`;
  popup.querySelector('button').focus();
}

byId('scrim').addEventListener('click', () => PRESSES.drawer());
byId('viewer-select').addEventListener('change', (event) => {
  world.viewer = event.target.value;
  world.messages.clear();
  unread.clear();
  world.ready = false;
  connect();
});

history.replaceState(null, '', '/');
keepCounting();
keepFallingBack();
connect();
